#pragma once

#include <cstddef>

#include "model/latent_projection.h"
#include "model/residual_stream.h"

namespace pith::model {

/// Attention with rotary positions over a layer's KV cache: projects x to queries, keys and values, appends the keys
/// and values to the cache, attends, and projects the result to the residual stream (Vaswani et al., 1706.03762). A
/// layer without a cache of its own projects x to queries alone.
class AttentionBlock {
 public:
  AttentionBlock(const Pass& pass, std::size_t layer);

  /// Returns which forms of x run() reads.
  weights::FormatSet readers() const;
  /// x [rows, hidden_size]
  Addition run(const kernels::Activations& x) const;

 private:
  /// Fills qkv.
  void make_rows(const kernels::Activations& x) const;
  void project(const kernels::Activations& x) const;
  /// Applies biases, query and key norms and RoPE to row m of qkv.
  void shape_row(std::size_t m) const;
  void clamp(float* row, std::size_t length) const;
  void shape_keys_and_values(std::size_t m) const;
  void shape_heads(float* heads, std::size_t count, const NormWeights& norm, std::size_t m) const;
  void norm_heads(float* heads, std::size_t count, const NormWeights& norm) const;
  void attend() const;
  /// Takes the gates of row m out from between the queries.
  void part_queries(std::size_t m) const;
  /// Multiplies row m of what was attended by its gates.
  void gate_row(std::size_t m) const;
  /// Returns what the output matrix reads.
  kernels::Activations outputs() const;

  const Pass& pass_;
  std::size_t layer_;
  std::size_t cache_layer_;
  const AttentionSpec& spec_;
  const AttentionWeights& w_;
  Buffers& b_;
  LatentProjection latent_;
  kv::Staging& staging_;
  float *query_, *key_, *value_;  ///< Buffers::qkv, of the first row
};

}  // namespace pith::model
