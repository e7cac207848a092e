#include "kv/codec/scalar_codebook.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pith::kv {
namespace {

/// Cells of the grid on which a density is integrated.
constexpr std::size_t kCells = 1 << 14;
constexpr int kRoundsMax = 20000;

/// Integrals of f, x f and x^2 f over any interval.
class Moments {
 public:
  Moments(const std::function<double(double)>& density, double low, double high)
      : low_(low), step_((high - low) / static_cast<double>(kCells)) {
    for (auto& sums : sums_) sums.reserve(kCells + 1);
    for (auto& sums : sums_) sums.push_back(0.0);
    for (std::size_t i = 0; i < kCells; ++i) {
      const double x = low + step_ * (static_cast<double>(i) + 0.5);
      const double mass = density(x) * step_;
      sums_[0].push_back(sums_[0].back() + mass);
      sums_[1].push_back(sums_[1].back() + mass * x);
      sums_[2].push_back(sums_[2].back() + mass * x * x);
    }
  }

  double low() const { return low_; }
  double high() const { return low_ + step_ * static_cast<double>(kCells); }

  /// Returns the integral of x^power f over [a, b].
  double over(std::size_t power, double a, double b) const { return to(power, b) - to(power, a); }

  /// Returns the point below which this share of f's mass lies.
  double quantile(double share) const {
    const auto at = std::lower_bound(sums_[0].begin(), sums_[0].end(), share * sums_[0].back());
    return low_ + step_ * static_cast<double>(at - sums_[0].begin());
  }

 private:
  double to(std::size_t power, double x) const {
    const double place = std::clamp((x - low_) / step_, 0.0, static_cast<double>(kCells));
    const std::size_t cell = std::min(static_cast<std::size_t>(place), kCells - 1);
    const double part = place - static_cast<double>(cell);
    return (1.0 - part) * sums_[power][cell] + part * sums_[power][cell + 1];
  }

  double low_;
  double step_;
  std::vector<double> sums_[3];
};

/// Returns the borders of the levels' cells, including both ends.
std::vector<double> borders_of(const std::vector<double>& levels, const Moments& moments) {
  std::vector<double> borders = {moments.low()};
  borders.reserve(levels.size() + 1);
  for (std::size_t i = 0; i + 1 < levels.size(); ++i) borders.push_back(0.5 * (levels[i] + levels[i + 1]));
  borders.push_back(moments.high());
  return borders;
}

/// Moves each level to the mean of its cell. Returns the largest movement.
double improve(std::vector<double>& levels, const Moments& moments) {
  const std::vector<double> borders = borders_of(levels, moments);
  double moved = 0.0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const double mass = moments.over(0, borders[i], borders[i + 1]);
    const double mean = mass > 0.0 ? moments.over(1, borders[i], borders[i + 1]) / mass : levels[i];
    moved = std::max(moved, std::fabs(mean - levels[i]));
    levels[i] = mean;
  }
  return moved;
}

double distortion_of(const std::vector<double>& levels, const Moments& moments) {
  const std::vector<double> borders = borders_of(levels, moments);
  double sum = 0.0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const double a = borders[i];
    const double b = borders[i + 1];
    sum +=
        moments.over(2, a, b) - 2.0 * levels[i] * moments.over(1, a, b) + levels[i] * levels[i] * moments.over(0, a, b);
  }
  return sum / moments.over(0, moments.low(), moments.high());
}

}  // namespace

ScalarCodebook::ScalarCodebook(const std::function<double(double)>& density, double low, double high, std::size_t bits)
    : bits_(bits) {
  const std::size_t count = std::size_t{1} << bits;
  const Moments moments(density, low, high);
  // Optimal levels lie about as densely as the cube root of the density (Panter and Dite, 1951): a good start.
  const Moments dense([&](double x) { return std::cbrt(density(x)); }, low, high);
  std::vector<double> levels(count);
  for (std::size_t i = 0; i < count; ++i) {
    levels[i] = dense.quantile((static_cast<double>(i) + 0.5) / static_cast<double>(count));
  }
  const double enough = 1e-10 * (high - low);
  for (int round = 0; round < kRoundsMax; ++round) {
    if (improve(levels, moments) < enough) break;
  }
  distortion_ = distortion_of(levels, moments);
  levels_.assign(levels.begin(), levels.end());
  midpoints_.reserve(count - 1);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    midpoints_.push_back(static_cast<float>(0.5 * (levels[i] + levels[i + 1])));
  }
}

ScalarCodebook sphere_codebook(std::size_t size, std::size_t bits) {
  const auto n = static_cast<double>(size);
  const double exponent = 0.5 * (n - 3.0);
  // The density beyond 9 standard deviations is negligible; cutting it makes the grid finer inside.
  const double high = std::min(1.0, 9.0 / std::sqrt(n));
  return {[exponent](double x) { return std::pow(1.0 - x * x, exponent); }, -high, high, bits};
}

ScalarCodebook angle_codebook(std::size_t level, std::size_t bits) {
  const double exponent = std::ldexp(1.0, static_cast<int>(level) - 1) - 1.0;
  return {[exponent](double x) { return std::pow(std::sin(2.0 * x), exponent); }, 0.0, 0.5 * std::numbers::pi, bits};
}

}  // namespace pith::kv
