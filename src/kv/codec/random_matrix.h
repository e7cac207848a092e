#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/table.h"

namespace pith::kv {

/// A square matrix that a seed determines, as codecs of papers multiply vectors with. Immutable: safe from any thread.
class RandomMatrix {
 public:
  /// Uniformly distributed over the rotations and reflections: Q of the QR decomposition of a Gaussian matrix.
  static RandomMatrix orthogonal(std::size_t size, std::uint64_t seed, const kernels::KernelTable& kernels);
  /// Elements are independent, N(0, 1).
  static RandomMatrix gaussian(std::size_t size, std::uint64_t seed, const kernels::KernelTable& kernels);

  std::size_t size() const { return size_; }
  /// to [rows, size] = M x for each row of x [rows, size]; not in place.
  void apply(const float* x, std::size_t rows, float* to) const { multiply(tiles_, x, rows, to); }
  /// The same with M transposed.
  void apply_transposed(const float* x, std::size_t rows, float* to) const { multiply(transposed_, x, rows, to); }

 private:
  /// elements [size, size], row by row.
  RandomMatrix(std::size_t size, const std::vector<float>& elements, const kernels::KernelTable& kernels);
  void multiply(const std::vector<float>& tiles, const float* x, std::size_t rows, float* to) const;

  std::size_t size_;
  const kernels::KernelTable* kernels_;
  /// As FloatDotKernel reads them: [size / 16][size][16 rows].
  std::vector<float> tiles_;
  std::vector<float> transposed_;
};

}  // namespace pith::kv
