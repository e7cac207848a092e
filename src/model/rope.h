#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kv/core/rotary.h"
#include "model/spec.h"
#include "model/weights.h"

namespace pith::model {

/// Returns the factors by which the frequencies are divided; empty: by none.
inline std::span<const float> frequency_factors(const RopeParams& params, const ModelWeights& weights) {
  switch (params.long_factors) {
    case RopeFactors::kShort:
      return weights.rope_short_factors;
    case RopeFactors::kLong:
      return weights.rope_long_factors;
    case RopeFactors::kNone:
      break;
  }
  return params.frequency_factors ? std::span<const float>(weights.rope_frequency_factors) : std::span<const float>();
}

/// Cosines and sines of the positions of a pass, for one set of RoPE parameters. Not thread-safe while prepare() runs.
class Rope {
 public:
  /// `frequency_factors` [dims / 2] divide the frequencies (Llama 3's rope_freqs.weight); empty: none.
  Rope(const RopeParams& params, std::span<const float> frequency_factors, std::size_t tokens_max);

  /// Computes those of rows [row, row + tokens), at positions from `position` on.
  void prepare(std::size_t row, std::size_t position, std::size_t tokens);
  std::size_t bytes() const { return (cos_.size() + sin_.size()) * sizeof(float); }
  /// Returns the frequencies and the order of pairs; the magnitude of YaRN and LongRoPE is not included.
  kv::Rotary rotary() const { return {frequencies_, pairs_ == RopePairs::kInterleaved}; }
  /// Rotates one head's vector of row m of the pass in place.
  void apply(float* head, std::size_t m) const;

 private:
  RopePairs pairs_;
  std::size_t half_;
  float magnitude_ = 1.0F;
  std::vector<double> frequencies_;  ///< [dims / 2] radians per position
  std::vector<float> cos_;           ///< [tokens, dims / 2]
  std::vector<float> sin_;           ///< [tokens, dims / 2]
};

}  // namespace pith::model
