#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace pith::kv {

/// The scalar quantizer of 2^bits levels with the least mean squared error for a density (Lloyd, 1982; Max, 1960),
/// computed numerically and deterministically. Immutable: safe from any thread.
class ScalarCodebook {
 public:
  /// The density on [low, high] need not be normalized; it is positive inside. `bits` is at most 8; with 0 the only
  /// level is the mean.
  ScalarCodebook(const std::function<double(double)>& density, double low, double high, std::size_t bits);

  std::size_t bits() const { return bits_; }
  /// Returns the levels in ascending order. [2^bits]
  std::span<const float> levels() const { return levels_; }
  /// Returns the mean squared error for numbers of that density.
  double distortion() const { return distortion_; }

  /// Returns the code of the nearest level.
  std::uint8_t nearest(float x) const {
    std::size_t code = 0;
    for (std::size_t half = levels_.size() / 2; half > 0; half /= 2) code += x > midpoints_[code + half - 1] ? half : 0;
    return static_cast<std::uint8_t>(code);
  }

 private:
  std::size_t bits_;
  std::vector<float> levels_;
  /// Midpoints between neighbouring levels. [2^bits - 1]
  std::vector<float> midpoints_;
  double distortion_ = 0.0;
};

/// Makes the codebook for a coordinate of a random unit vector of `size` elements, at least 4, whose density is
/// proportional to (1 - x^2)^((size - 3) / 2) (TurboQuant, arXiv 2504.19874, lemma 1).
ScalarCodebook sphere_codebook(std::size_t size, std::size_t bits);

/// Makes the codebook for the angle at `level` >= 2 of the recursive polar transform of a normal vector, whose density
/// on [0, pi / 2] is proportional to sin(2 x)^(2^(level - 1) - 1) (PolarQuant, arXiv 2502.02617, lemma 2).
ScalarCodebook angle_codebook(std::size_t level, std::size_t bits);

}  // namespace pith::kv
