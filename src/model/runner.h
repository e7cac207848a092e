#pragma once

#include <pith/token.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "kv/core/scratch_layout.h"
#include "model/model_impl.h"
#include "model/pass.h"
#include "model/row_division.h"

namespace pith::model {

/// The next tokens of one sequence.
struct Step {
  kv::Cache* cache = nullptr;
  std::span<const Token> tokens;
  /// A single token reads sparsely, if the cache supports it (CacheOptions::sparse).
  bool sparse = false;
};

/// Runs passes over the tokens of one or several sequences, on scratch memory that it lends from the model. Used by one
/// thread at a time; spreads its work over the pool. The results of a step are the same bits whatever the number of
/// threads, however its sequence is split into passes, and whatever the other steps of the pass are.
class Runner {
 public:
  /// Receives the logits of row `row` of the last pass, [vocab] floats that are valid during the call and may be NaN or
  /// infinite.
  using LogitsRow = std::function<void(std::size_t row, std::span<const float> logits)>;

  /// Receives the final hidden state of row `row`, [hidden size] floats after the output norm, valid during the call.
  using HiddenRow = std::function<void(std::size_t row, std::span<const float> hidden)>;

  /// For passes of at most `rows_max` tokens over caches of this layout, the next of which has `rows` tokens. Model and
  /// pool must outlive it.
  Runner(const ModelImpl& model, ThreadPool& pool, const kv::ScratchLayout& layout, std::size_t rows,
         std::size_t rows_max);

  /// Appends the steps' tokens, at least one each, to their caches, and keeps their final hidden states for logits()
  /// and hidden(). Rows are numbered in the order of steps. Caches differ from each other.
  void run(std::span<const Step> steps);

  /// Computes logits of some rows of the last pass, in this order.
  void logits(std::span<const std::size_t> rows, const LogitsRow& on_row);
  /// Computes final hidden states of rows [first, first + count) of the last pass.
  void hidden(std::size_t first, std::size_t count, const HiddenRow& on_row);

 private:
  Pass pass() const;

  const ModelImpl& model_;
  ThreadPool& pool_;
  WorkspacePool::Lease lease_;
  std::vector<kv::Step> steps_;  ///< Of the last pass.
  std::vector<Token> tokens_;    ///< Of all its steps.
  RowDivision division_;
  kv::Step own_step_;  ///< If the pass was divided.
};

}  // namespace pith::model
