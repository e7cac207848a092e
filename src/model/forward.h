#pragma once

#include <pith/options.h>

#include <cstddef>
#include <functional>
#include <span>

#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "kv/read/attend.h"
#include "kv/write/append.h"
#include "model/buffers.h"
#include "model/model_impl.h"
#include "model/rope.h"
#include "model/workspace.h"

namespace pith::model {

/// Returns the shape of the cache that a model's sessions need.
kv::KvShape kv_shape(const Hparams& hparams);

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
  // All work between two products runs in one parallel region, in blocks of rows that stay in the processor's cache
  // from their sum to their codes. So a block does not add its own projection to the residual: the next block, which
  // reads the residual, does.
  void attention_block(std::size_t layer, std::span<const Token> tokens, bool sparse);
  void feed_forward_block(const LayerWeights& weights, std::size_t tokens);
  void shape_qkv(std::size_t layer, std::size_t tokens);
  /// residual[m] = embedding
  void embed(Token token, std::size_t m);
  /// residual[m] += post_norm(projected[m] + bias); an empty `post_norm` leaves the norm out.
  void add_projected(const Vector& bias, const Vector& post_norm, std::size_t m);
  /// normed = norm(residual) for rows [first, first + rows), for the matrices that read it. Calls update(m) first,
  /// which brings residual[m] up to date.
  template <typename Update>
  kernels::Activations normed(const Vector& weight, std::size_t first, std::size_t rows, weights::FormatSet readers,
                              const Update& update);
  /// Makes each row of x by make_row(m) and returns the rows in the forms that `readers` need.
  template <typename MakeRow>
  kernels::Activations activations(const Buffer<float>& x, std::size_t rows, std::size_t columns,
                                   weights::FormatSet readers, const MakeRow& make_row);
  void add_bias(float* row, const Vector& bias) const;
  template <typename Row>
  void for_rows(std::size_t rows, const Row& row);

  const ModelImpl& model_;
  const Hparams& h_;
  const kernels::KernelTable& k_;
  kv::Cache& cache_;
  ThreadPool& pool_;
  Buffers& buffers_;
  Rope& rope_;
  Rope& local_rope_;
  kv::Staging& staging_;
  kv::Attention& attention_;
  Buffer<float>& logits_;
};

}  // namespace pith::model
