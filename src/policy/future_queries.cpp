#include "policy/future_queries.h"

#include <algorithm>
#include <cmath>

#include "base/rotary_pairs.h"

namespace pith::policy {
namespace {

/// Averages the rotations by frequency * p over `count` positions p from `first` on: a geometric sum of exp(i * angle).
Turn<double> mean_turn(double frequency, int first, int count) {
  const double half = frequency / 2;
  const double slice = std::sin(half);
  // Limit where all angles are the same.
  const double sum = std::abs(slice) < 1e-12 ? count : std::sin(count * half) / slice;
  const double middle = (first + (count - 1) / 2.0) * frequency;
  return {sum / count * std::cos(middle), sum / count * std::sin(middle)};
}

class MeanRotation {
 public:
  MeanRotation(const RotaryView& rotary, std::size_t size, int first, int count)
      : pairs_(std::min(rotary.frequencies.size(), size / 2), rotary.interleaved) {
    for (std::size_t i = 0; i < pairs_.count(); ++i) turns_.push_back(mean_turn(rotary.frequencies[i], first, count));
  }

  /// Rotates a vector whose elements are `step` apart, in place.
  void apply(double* vector, std::size_t step) const {
    pairs_.rotate(
        vector, [this](std::size_t i) { return turns_[i]; }, step);
  }

 private:
  RotaryPairs pairs_;
  std::vector<Turn<double>> turns_;
};

}  // namespace

FutureQueries::FutureQueries(const HeadView& head, std::size_t member, int horizon)
    : mean_(head.key_size), spread_(head.key_size * head.key_size), product_(head.key_size) {
  const std::size_t size = head.key_size;
  const MeanRotation rotation(head.queries->rotary, size, head.position, horizon);
  const auto scale = static_cast<double>(head.scale);

  const std::span<const float> mean = head.queries->mean.subspan(member * size, size);
  std::vector<double> turned(mean.begin(), mean.end());
  rotation.apply(turned.data(), 1);
  for (std::size_t i = 0; i < size; ++i) mean_[i] = static_cast<float>(scale * turned[i]);

  const std::span<const float> covariance = head.queries->covariance.subspan(member * size * size, size * size);
  turned.assign(covariance.begin(), covariance.end());
  for (std::size_t i = 0; i < size; ++i) rotation.apply(&turned[i * size], 1);
  for (std::size_t i = 0; i < size; ++i) rotation.apply(&turned[i], size);
  for (std::size_t i = 0; i < size; ++i) {
    spread_[i * size + i] = static_cast<float>(scale * scale / 2 * turned[i * size + i]);
    for (std::size_t j = i + 1; j < size; ++j) {
      spread_[i * size + j] = static_cast<float>(scale * scale / 2 * (turned[i * size + j] + turned[j * size + i]));
    }
  }
}

double FutureQueries::log_expectation(std::span<const float> key) {
  const std::size_t size = key.size();
  // Adds whole rows instead of summing along them: compilers can vectorize that without reordering a sum.
  std::copy(mean_.begin(), mean_.end(), product_.begin());
  for (std::size_t i = 0; i < size; ++i) {
    const float* row = &spread_[i * size];
    for (std::size_t j = i; j < size; ++j) product_[j] += key[i] * row[j];
  }
  double sum = 0.0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(key[i]) * static_cast<double>(product_[i]);
  return sum;
}

}  // namespace pith::policy
