#pragma once

#include <pith/token.h>

#include <cstddef>
#include <functional>
#include <span>

#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "model/model_impl.h"
#include "model/residual_stream.h"
#include "model/workspace.h"

namespace pith::model {

/// Returns the shape that a layer has in a cache.
kv::LayerShape kv_shape(const AttentionSpec& spec);

/// Returns how positions rotate vectors in layers without a window.
kv::Rotary rotary(const ModelImpl& model);

/// Runs batches of tokens through a model, on a workspace that is lent to it; the model stays const. Used by one thread
/// at a time; spreads its work over the pool. Results depend neither on the number of threads nor on how tokens are
/// split into batches.
class Forward {
 public:
  /// Receives row `row` of logits, [vocab] floats that are valid during the call.
  using LogitsRow = std::function<void(std::size_t row, std::span<const float> logits)>;

  /// Receives the final hidden state of row `row`, [hidden size] floats after the output norm, valid during the call.
  using HiddenRow = std::function<void(std::size_t row, std::span<const float> hidden)>;

  /// All four must outlive it.
  Forward(const ModelImpl& model, kv::Cache& cache, ThreadPool& pool, Workspace& workspace);

  /// Appends tokens (at most Workspace::tokens) to the cache and keeps their final hidden states for logits() and
  /// hidden(). A single token reads sparsely if `sparse` and the cache supports it (CacheOptions::sparse).
  void run(std::span<const Token> tokens, bool sparse = false);

  /// Computes logits of rows [first, first + count) of the last batch. Throws Error(kNumeric) if one is not finite.
  void logits(std::size_t first, std::size_t count, const LogitsRow& on_row);
  /// Computes final hidden states of rows [first, first + count) of the last batch.
  void hidden(std::size_t first, std::size_t count, const HiddenRow& on_row);

 private:
  /// Runs one layer, whose input is complete once `before` is added, and returns what is to be added to its output.
  static Pending run_layer(const Pass& pass, std::size_t layer, const Pending& before);
  Pass pass_of(std::size_t rows, bool sparse) const;

  const ModelImpl& model_;
  kv::Cache& cache_;
  ThreadPool& pool_;
  Workspace& workspace_;
};

}  // namespace pith::model
