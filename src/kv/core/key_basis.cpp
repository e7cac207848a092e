#include "kv/core/key_basis.h"

#include <algorithm>
#include <cmath>

#include "kv/layout/layout.h"

namespace pith::kv {
namespace {

/// Used instead of the optimal exponent 1/4: the statistics of one page are noisy, and slightly less than the optimum
/// costs little.
constexpr float kExponent = 0.2F;
/// Lower bound of a channel's energy and variance, relative to the mean: such small values are mostly noise.
constexpr float kFloor = 1e-3F;
/// Bound of a channel's scale.
constexpr float kScaleMax = 64.0F;

float mean_of(const std::vector<float>& x) {
  float sum = 0.0F;
  for (const float v : x) sum += v;
  return sum / static_cast<float>(x.size());
}

/// Returns the variance of each channel [size] over the rows from `first` on.
std::vector<float> variances(const float* rows, std::size_t size, std::size_t first) {
  std::vector<float> mean(size, 0.0F);
  std::vector<float> variance(size, 0.0F);
  const float count = static_cast<float>(kPageTokens - first);
  for (std::size_t t = first; t < kPageTokens; ++t) {
    for (std::size_t i = 0; i < size; ++i) mean[i] += rows[t * size + i] / count;
  }
  for (std::size_t t = first; t < kPageTokens; ++t) {
    for (std::size_t i = 0; i < size; ++i) {
      const float d = rows[t * size + i] - mean[i];
      variance[i] += d * d / count;
    }
  }
  return variance;
}

}  // namespace

KeyBasis::KeyBasis(std::size_t size) : scale_(size, 1.0F), query_energy_(size, 0.0F) {}

void KeyBasis::observe(const float* query) {
  for (std::size_t i = 0; i < query_energy_.size(); ++i) query_energy_[i] += query[i] * query[i];
  ++queries_;
}

float KeyBasis::fit(const float* rows, std::size_t first) {
  const std::vector<float> variance = variances(rows, scale_.size(), first);
  const float mean_variance = mean_of(variance);
  const float mean_energy = mean_of(query_energy_);
  const bool usable =
      std::isfinite(mean_variance) && std::isfinite(mean_energy) && mean_variance > 0.0F && mean_energy > 0.0F;
  if (!usable) return 0.0F;
  float energy_sum = 0.0F;
  float spread_sum = 0.0F;
  for (std::size_t i = 0; i < scale_.size(); ++i) {
    const float energy = query_energy_[i] / mean_energy + kFloor;
    const float spread = variance[i] / mean_variance + kFloor;
    scale_[i] = std::clamp(std::pow(energy / spread, kExponent), 1.0F / kScaleMax, kScaleMax);
    energy_sum += query_energy_[i] / (scale_[i] * scale_[i]);
    spread_sum += variance[i] * scale_[i] * scale_[i];
  }
  return energy_sum / static_cast<float>(queries_) * spread_sum / static_cast<float>(scale_.size());
}

void KeyBasis::apply_to_key(const kernels::KernelTable& kernels, const HadamardRotation& rotation, const float* key,
                            float* out) const {
  for (std::size_t i = 0; i < scale_.size(); ++i) out[i] = key[i] * scale_[i];
  rotation.apply(kernels, out);
}

void KeyBasis::apply_to_query(const kernels::KernelTable& kernels, const HadamardRotation& rotation, const float* query,
                              float* out) const {
  for (std::size_t i = 0; i < scale_.size(); ++i) out[i] = query[i] / scale_[i];
  rotation.apply(kernels, out);
}

void KeyBasis::restore_key(float* key) const {
  for (std::size_t i = 0; i < scale_.size(); ++i) key[i] /= scale_[i];
}

}  // namespace pith::kv
