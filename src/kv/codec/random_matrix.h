#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/table.h"

namespace pith::kv {

/// A square matrix determined by a seed, as codecs from papers use. Immutable: safe from any thread.
class RandomMatrix {
 public:
  /// Draws from the uniform distribution over rotations and reflections: Q of the QR decomposition of a Gaussian
  /// matrix.
  static RandomMatrix orthogonal(std::size_t size, std::uint64_t seed, const kernels::KernelTable& kernels);
  /// Draws independent elements from N(0, 1).
  static RandomMatrix gaussian(std::size_t size, std::uint64_t seed, const kernels::KernelTable& kernels);

  std::size_t size() const { return size_; }
  /// Computes to [rows, size] = M x for each row of x [rows, size]; not in place.
  void apply(const float* x, std::size_t rows, float* to) const { multiply(tiles_, x, rows, to); }
  /// Does the same with M transposed.
  void apply_transposed(const float* x, std::size_t rows, float* to) const { multiply(transposed_, x, rows, to); }

 private:
  /// `elements` [size, size] is row-major.
  RandomMatrix(std::size_t size, const std::vector<float>& elements, const kernels::KernelTable& kernels);
  void multiply(const std::vector<float>& tiles, const float* x, std::size_t rows, float* to) const;

  std::size_t size_;
  const kernels::KernelTable* kernels_;
  /// In the order that FloatDotKernel reads: [size / 16][size][16 rows].
  std::vector<float> tiles_;
  std::vector<float> transposed_;
};

}  // namespace pith::kv
