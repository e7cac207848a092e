#pragma once

#include <pith/eviction.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "kernels/table.h"
#include "kv/layout.h"
#include "kv/slots.h"
#include "kv/softmax_state.h"

namespace pith::kv {

/// What attention is gathered for policies, with one set of needs: by KV head, for each token, the probabilities that
/// its queries gave it. Probabilities are rounded to multiples of 2^-30, of which doubles hold sums exactly: so it does
/// not matter in which order and in what batches queries come, as long as nothing fades.
class Observer {
 public:
  Observer(const PolicyNeeds& needs, std::size_t heads) : needs_(needs), gathered_(heads) {}

  const PolicyNeeds& needs() const { return needs_; }
  std::size_t heads() const { return gathered_.size(); }
  /// A batch of tokens from `position` on, of a feed that ends before `end`.
  void begin_batch(std::size_t position, std::size_t tokens, std::size_t end);
  /// Whether any of the batch's tokens [first, first + count) counts.
  bool counts(std::size_t first, std::size_t count) const;
  float weight(std::size_t token) const { return weights_[token]; }
  /// Lets what a head gathered before the batch fade, once a batch.
  void fade(std::size_t head, std::size_t cells);
  /// Takes in [cells * kPageTokens].
  void take(std::size_t head, std::span<const double> part);
  /// Moves what the first tokens of slot 0 got to the sinks, which they have become.
  void move_to_prefix(std::size_t head, std::size_t count);
  /// [cells * kPageTokens], or fewer: the rest is 0.
  std::vector<double>& gathered(std::size_t head) { return gathered_[head]; }
  const std::vector<double>& gathered(std::size_t head) const { return gathered_[head]; }
  /// `into` becomes what it and x are together.
  void combine(double& into, double x) const;
  void clear();
  /// With what is gathered, all that stays from batch to batch.
  std::size_t count() const { return count_; }
  void set_count(std::size_t count) { count_ = count; }

 private:
  PolicyNeeds needs_;
  /// Queries counted since the last time that all was forgotten.
  std::size_t count_ = 0;
  float fade_ = 1.0F;
  std::vector<float> weights_;                 ///< [tokens of the batch]
  std::vector<std::vector<double>> gathered_;  ///< [heads]
};

/// All that a cache gathers. Empty without eviction.
class Observers {
 public:
  /// Nothing is added twice.
  void add(const PolicyNeeds& needs, std::size_t heads);
  /// For one decision, what was gathered elsewhere; then remove() it.
  void add(Observer observer) { list_.push_back(std::move(observer)); }
  void remove(const PolicyNeeds& needs);
  /// Null if nobody gathers for these needs.
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

/// Scores of a block of query rows over all cells, base 2; minus infinity where a row sees nothing.
struct ObservedScores {
  float* scores = nullptr;  ///< [cells, rows, kPageTokens]; written over
  std::size_t cells = 0;
  std::size_t group = 1;        ///< Rows of a token.
  std::size_t first_token = 0;  ///< Of the batch.
};

/// The probabilities behind the scores, given the rows' final states, weighed and reduced over the rows by each
/// observer: parts [observers][cells * kPageTokens].
void gather(const kernels::KernelTable& kernels, const Observers& observers, const ObservedScores& observed,
            const SoftmaxRows& rows, std::span<double> parts);

}  // namespace pith::kv
