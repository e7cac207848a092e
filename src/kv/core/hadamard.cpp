#include "kv/core/hadamard.h"

#include <bit>
#include <cstdint>

namespace pith::kv {

HadamardRotation::HadamardRotation(std::size_t size) : signs_(size) {
  // A fixed linear congruential generator: the signs are part of the page format, not of a session's randomness.
  std::uint64_t state = 0x9E3779B97F4A7C15U;
  for (float& sign : signs_) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    sign = (state >> 63) != 0 ? -1.0F : 1.0F;
  }
}

void HadamardRotation::transform(const kernels::KernelTable& kernels, float* x) const {
  for (std::size_t at = 0; at < signs_.size();) {
    const std::size_t run = std::bit_floor(signs_.size() - at);
    kernels.hadamard(x + at, run);
    at += run;
  }
}

void HadamardRotation::apply(const kernels::KernelTable& kernels, float* x) const {
  for (std::size_t i = 0; i < signs_.size(); ++i) x[i] *= signs_[i];
  transform(kernels, x);
}

void HadamardRotation::invert(const kernels::KernelTable& kernels, float* x) const {
  transform(kernels, x);
  for (std::size_t i = 0; i < signs_.size(); ++i) x[i] *= signs_[i];
}

}  // namespace pith::kv
