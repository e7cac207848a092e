#pragma once

#include <cstddef>
#include <tuple>

#include "base/described.h"
#include "model/norm_spec.h"

namespace pith::model {

/// Multi-head latent attention (DeepSeek-V2, 2405.04434, section 2.1): the keys and values of all heads are made from
/// one row of `rank` elements, the latent, beside one rotated key that all heads share. What is cached is that: the
/// layer has one KV head, whose key is [rotated key | latent] and whose value is the latent. A head's query takes its
/// key matrix over instead, q (W l) = (W^T q) l, and its value matrix is applied to what it attended to ("absorbed",
/// section 2.1.2).
struct LatentSpec {
  std::size_t rank = 0;        ///< 0: attention is not of this kind.
  std::size_t query_rank = 0;  ///< Queries come from a row of this size, which is made of x; 0: of x itself.
  std::size_t key_size = 0;  ///< Elements of a head's query that the latent answers to; the rotated ones stand behind.
  std::size_t value_size = 0;  ///< Elements of a head's value.
  NormSpec norm, query_norm;   ///< Of the latent, and of the row that queries come from.
  /// Whether the matrices of keys and values are one tensor, attn_kv_b, by head.
  bool fused = false;

  bool present() const { return rank != 0; }

  static constexpr auto fields() {
    using Self = LatentSpec;
    return std::tuple(field("rank", &Self::rank), field("query_rank", &Self::query_rank),
                      field("key_size", &Self::key_size), field("value_size", &Self::value_size),
                      field("norm", &Self::norm), field("query_norm", &Self::query_norm), field("fused", &Self::fused));
  }
};
static_assert(lists_every_field<LatentSpec>);

}  // namespace pith::model
