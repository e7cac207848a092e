#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "kernels/table.h"
#include "kv/core/slots.h"
#include "kv/core/softmax_state.h"
#include "kv/layout/layout.h"

namespace pith::kv {

/// Gathers attention for policies with one set of needs: per KV head and token, the probabilities that the queries gave
/// the token. Probabilities are rounded to multiples of 2^-30, whose sums doubles hold exactly, so the result does not
/// depend on the order of queries or their batches as long as nothing decays.
class Observer {
 public:
  Observer(const PolicyNeeds& needs, std::size_t heads) : needs_(needs), gathered_(heads) {}

  const PolicyNeeds& needs() const { return needs_; }
  std::size_t heads() const { return gathered_.size(); }
  /// Starts a batch of tokens from `position` on, part of a feed that ends before `end`.
  void begin_batch(std::size_t position, std::size_t tokens, std::size_t end);
  /// Returns whether any of the batch's tokens [first, first + count) counts.
  bool counts(std::size_t first, std::size_t count) const;
  float weight(std::size_t token) const { return weights_[token]; }
  /// Applies the batch's decay to what a head gathered before. Once per batch.
  void fade(std::size_t head, std::size_t cells);
  /// Adds a part [cells * kPageTokens] to a head.
  void take(std::size_t head, std::span<const double> part);
  /// Moves what the first `count` tokens of slot 0 received to the exact prefix, once page 0 is sealed.
  void move_to_prefix(std::size_t head, std::size_t count);
  /// Returns what a head gathered: [cells * kPageTokens] or fewer; missing ones are 0.
  std::vector<double>& gathered(std::size_t head) { return gathered_[head]; }
  const std::vector<double>& gathered(std::size_t head) const { return gathered_[head]; }
  /// Combines x into `into` by PolicyNeeds::reduce.
  void combine(double& into, double x) const;
  void clear();
  /// Besides what is gathered, the only state kept between batches.
  std::size_t count() const { return count_; }
  void set_count(std::size_t count) { count_ = count; }

 private:
  PolicyNeeds needs_;
  /// Queries counted since the gathered attention was last discarded.
  std::size_t count_ = 0;
  float fade_ = 1.0F;
  std::vector<float> weights_;                 ///< [tokens of the batch]
  std::vector<std::vector<double>> gathered_;  ///< [heads]
};

/// All observers of a cache. Empty without eviction.
class Observers {
 public:
  /// Adds an observer unless one with the same needs exists.
  void add(const PolicyNeeds& needs, std::size_t heads);
  /// Adds what was gathered elsewhere, for one decision; remove() it afterwards.
  void add(Observer observer) { list_.push_back(std::move(observer)); }
  void remove(const PolicyNeeds& needs);
  /// Returns null if no observer gathers for these needs.
  const Observer* find(const PolicyNeeds& needs) const;
  std::vector<Observer>& list() { return list_; }
  const std::vector<Observer>& list() const { return list_; }
  void begin_batch(std::size_t position, std::size_t tokens, std::size_t end);
  bool counts(std::size_t first, std::size_t count) const;
  void clear();
  std::size_t bytes() const;

 private:
  std::vector<Observer> list_;
};

/// Scores of a block of query rows over all cells, in base 2; minus infinity where a row does not see the token.
struct ObservedScores {
  float* scores = nullptr;  ///< [cells, rows, kPageTokens]; overwritten
  std::size_t cells = 0;
  std::size_t group = 1;        ///< Rows per token
  std::size_t first_token = 0;  ///< Index in the batch
};

/// Turns scores into probabilities, given the rows' final softmax states, and combines them over the rows with each
/// observer's weights: parts [observers][cells * kPageTokens].
void gather(const kernels::KernelTable& kernels, const Observers& observers, const ObservedScores& observed,
            const SoftmaxRows& rows, std::span<double> parts);

}  // namespace pith::kv
