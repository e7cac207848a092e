#include "kv/codec/random_matrix.h"

#include <pith/random.h>

#include <Eigen/Dense>
#include <cmath>
#include <numbers>

namespace pith::kv {
namespace {

using kernels::kLanes;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Normally distributed numbers from SplitMix64 by the Box-Muller transform. The same on every platform, which the
/// distributions of <random> do not promise: pages written with a matrix can be read wherever it is drawn again.
class Normals {
 public:
  explicit Normals(std::uint64_t seed) : state_(seed) {}

  double next() {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
    return radius * std::cos(2.0 * std::numbers::pi * uniform());
  }

 private:
  /// Returns a number in [0, 1).
  double uniform() { return unit_interval(split_mix(state_)); }

  std::uint64_t state_;
};

Matrix draw_gaussian(std::size_t size, std::uint64_t seed) {
  const auto n = static_cast<Eigen::Index>(size);
  Normals normals(seed);
  Matrix matrix(n, n);
  for (Eigen::Index r = 0; r < n; ++r) {
    for (Eigen::Index c = 0; c < n; ++c) matrix(r, c) = normals.next();
  }
  return matrix;
}

std::vector<float> elements_of(const Matrix& matrix) { return {matrix.data(), matrix.data() + matrix.size()}; }

/// Reorders row-major elements [size, size] into tiles of 16 rows.
std::vector<float> tiled(const std::vector<float>& elements, std::size_t size, bool transposed) {
  std::vector<float> tiles(size * size);
  for (std::size_t r = 0; r < size; ++r) {
    for (std::size_t c = 0; c < size; ++c) {
      tiles[(r / kLanes * size + c) * kLanes + r % kLanes] = elements[transposed ? c * size + r : r * size + c];
    }
  }
  return tiles;
}

}  // namespace

RandomMatrix RandomMatrix::orthogonal(std::size_t size, std::uint64_t seed, const kernels::KernelTable& kernels) {
  const Eigen::HouseholderQR<Matrix> qr(draw_gaussian(size, seed));
  Matrix q = qr.householderQ();
  // Without R's diagonal signs, Q depends on the library's convention and is not uniform (Mezzadri, math-ph/0609050).
  for (Eigen::Index c = 0; c < q.cols(); ++c) {
    if (qr.matrixQR()(c, c) < 0.0) q.col(c) *= -1.0;
  }
  return {size, elements_of(q), kernels};
}

RandomMatrix RandomMatrix::gaussian(std::size_t size, std::uint64_t seed, const kernels::KernelTable& kernels) {
  return {size, elements_of(draw_gaussian(size, seed)), kernels};
}

RandomMatrix::RandomMatrix(std::size_t size, const std::vector<float>& elements, const kernels::KernelTable& kernels)
    : size_(size), kernels_(&kernels), tiles_(tiled(elements, size, false)), transposed_(tiled(elements, size, true)) {}

void RandomMatrix::multiply(const std::vector<float>& tiles, const float* x, std::size_t rows, float* to) const {
  kernels_->dot_f32({tiles.data(), size_ / kLanes, size_ * kLanes * sizeof(float)}, {x, size_, rows, size_}, to, size_,
                    false);
}

}  // namespace pith::kv
