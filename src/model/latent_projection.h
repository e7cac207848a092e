#pragma once

#include <cstddef>

#include "model/pass.h"

namespace pith::model {

/// The first row of queries, keys and values in the cache's shape; rows are `stride` floats apart.
struct CacheRows {
  float* query = nullptr;  ///< [rows, heads * key_size]
  float* key = nullptr;    ///< [rows, kv_heads * key_size]
  float* value = nullptr;  ///< [rows, kv_heads * value_size]
  std::size_t stride = 0;
};

/// What stands around attention that caches a latent (LatentSpec): on the way in, queries that meet the latent, and
/// the latent itself; on the way out, each head's values of what it attended to.
class LatentProjection {
 public:
  LatentProjection(const Pass& pass, const AttentionSpec& spec, const AttentionWeights& weights);

  /// Returns which forms of x project() reads.
  weights::FormatSet readers() const;
  /// x [rows, hidden_size]
  void project(const kernels::Activations& x, const CacheRows& to) const;
  /// Makes of the heads' latents, Buffers::attention, what the output matrix reads.
  kernels::Activations expand() const;

 private:
  void make_queries(const kernels::Activations& x) const;
  /// Writes the key, the value and the rotated elements of the queries of row m.
  void shape_row(std::size_t m, const CacheRows& to) const;
  /// Multiplies rows of each head with a matrix of its own. from(h, m) returns a row [columns]; products go to
  /// out + h * step, rows `stride` floats apart.
  template <typename From>
  void multiply_heads(weights::PackedMatrix LatentHeadWeights::*matrix, const From& from, float* out, std::size_t step,
                      std::size_t stride) const;

  const Pass& pass_;
  const AttentionSpec& spec_;
  const LatentSpec& latent_;
  const AttentionWeights& w_;
  LatentBuffers& b_;
};

}  // namespace pith::model
