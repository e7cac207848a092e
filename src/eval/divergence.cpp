#include "eval/divergence.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace pith::eval {
namespace {

/// Number of partial sums, always added in the same way, so that compilers may vectorize without reordering.
constexpr std::size_t kLanes = 8;

template <typename Number>
using Lanes = std::array<Number, kLanes>;

/// Returns e^x for x <= 0, to two units in the last place; e^-700 below -700. Branchless, so that loops over it
/// vectorize.
inline double exp_negative(double x) noexcept {
  constexpr double kLog2e = 1.4426950408889634;
  // ln 2 in two parts whose products with small integers are exact.
  constexpr double kLn2High = 6.93147180369123816490e-01;
  constexpr double kLn2Low = 1.90821492927058770002e-10;
  // Adding this rounds to an integer, which is then in the lowest bits.
  constexpr double kRound = 0x1.8p52;
  x = x < -700.0 ? -700.0 : x;
  const double shifted = x * kLog2e + kRound;
  const double n = shifted - kRound;
  const double r = (x - n * kLn2High) - n * kLn2Low;
  // Taylor's series (|r| <= ln 2 / 2: the next term is below 4e-18), in four parts that do not depend on each other.
  const double r2 = r * r;
  const double r4 = r2 * r2;
  const double a = (1.0 + r) + r2 * (0.5 + r * (1.0 / 6.0));
  const double b = (1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0 + r * (1.0 / 5040.0));
  const double c = (1.0 / 40320.0 + r * (1.0 / 362880.0)) + r2 * (1.0 / 3628800.0 + r * (1.0 / 39916800.0));
  const double d = 1.0 / 479001600.0 + r * (1.0 / 6227020800.0);
  const double e = a + r4 * (b + r4 * (c + r4 * d));
  const std::uint64_t exponent = (std::bit_cast<std::uint64_t>(shifted) + 1023) << 52;
  return e * std::bit_cast<double>(exponent);
}

float largest_of(std::span<const float> values) noexcept {
  Lanes<float> lanes;
  lanes.fill(values.front());
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = lanes[j] < values[i + j] ? values[i + j] : lanes[j];
  }
  for (; i < values.size(); ++i) lanes[0] = std::max(lanes[0], values[i]);
  return *std::max_element(lanes.begin(), lanes.end());
}

/// Returns the sum of term(i) for i in [0, count).
template <typename Term>
inline double sum_of(std::size_t count, const Term& term) noexcept {
  Lanes<double> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) lanes[j] += term(i + j);
  }
  for (; i < count; ++i) lanes[0] += term(i);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace

void Distribution::assign(std::span<const float> logits) {
  probabilities_.resize(logits.size());
  const float largest = largest_of(logits);
  top_ = static_cast<std::size_t>(std::find(logits.begin(), logits.end(), largest) - logits.begin());
  largest_ = static_cast<double>(largest);
  const double base = largest_;
  const float* from = logits.data();
  double* to = probabilities_.data();
  for (std::size_t i = 0; i < logits.size(); ++i) to[i] = exp_negative(static_cast<double>(from[i]) - base);
  const double total = sum_of(logits.size(), [to](std::size_t i) { return to[i]; });
  log_total_ = std::log(total);
  const double scale = 1.0 / total;
  for (std::size_t i = 0; i < logits.size(); ++i) to[i] *= scale;
}

double kl_divergence(std::span<const float> p_logits, const Distribution& p, std::span<const float> q_logits,
                     const Distribution& q) noexcept {
  const float* a = p_logits.data();
  const float* b = q_logits.data();
  const double* pp = p.probabilities().data();
  const double* qq = q.probabilities().data();
  const double shift = (p.largest() - q.largest()) + (p.log_total() - q.log_total());
  const double sum = sum_of(p_logits.size(), [=](std::size_t i) {
    const double log_ratio = (static_cast<double>(a[i]) - static_cast<double>(b[i])) - shift;
    return pp[i] * (log_ratio - 1.0) + qq[i];
  });
  return std::max(sum, 0.0);
}

double negative_log_likelihood(std::span<const float> logits, Token token) {
  const auto largest = static_cast<double>(largest_of(logits));
  const float* from = logits.data();
  const double total =
      sum_of(logits.size(), [=](std::size_t i) { return exp_negative(static_cast<double>(from[i]) - largest); });
  return std::log(total) - (static_cast<double>(logits[static_cast<std::size_t>(token)]) - largest);
}

double negative_log_likelihood(std::span<const float> logits, const Distribution& softmax, Token token) noexcept {
  return softmax.log_total() - (static_cast<double>(logits[static_cast<std::size_t>(token)]) - softmax.largest());
}

double quantile(std::span<const double> ascending, double share) noexcept {
  if (ascending.empty()) return 0;
  const double place = share * static_cast<double>(ascending.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), ascending.size() - 1);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return ascending[below] + (place - static_cast<double>(below)) * (ascending[above] - ascending[below]);
}

}  // namespace pith::eval
