#include "model/reference_math.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pith::test {

void rms_norm(Numbers& x, std::size_t begin, const Numbers& weight, double eps) {
  double squares = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) squares += x.at(begin + i) * x[begin + i];
  const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(weight.size()) + eps);
  for (std::size_t i = 0; i < weight.size(); ++i) x[begin + i] *= inverse * weight[i];
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

void rotate(Numbers& x, std::size_t begin, const ReferenceRope& rope, std::size_t position) {
  const std::size_t pairs = rope.frequencies.size();
  for (std::size_t i = 0; i < pairs; ++i) {
    double& a = x.at(begin + (rope.interleaved ? 2 * i : i));
    double& b = x.at(begin + (rope.interleaved ? 2 * i + 1 : i + pairs));
    const double angle = static_cast<double>(position) * rope.frequencies[i];
    const double turned = rope.magnitude * (a * std::cos(angle) - b * std::sin(angle));
    b = rope.magnitude * (a * std::sin(angle) + b * std::cos(angle));
    a = turned;
  }
}

double activate(ReferenceActivation activation, double x) {
  if (activation == ReferenceActivation::kSilu) return x / (1.0 + std::exp(-x));
  // 2109.08668, section 3.2.
  if (activation == ReferenceActivation::kSquaredRelu) return std::pow(std::max(x, 0.0), 2);
  if (activation == ReferenceActivation::kClamped) return std::min(x, 7.0) * sigmoid(1.702 * std::min(x, 7.0));
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

Numbers gated(ReferenceActivation activation, const Numbers& gate, const Numbers& up) {
  Numbers inner(gate.size());
  for (std::size_t i = 0; i < gate.size(); ++i) {
    // 2508.10925: gpt-oss clamps both, and adds one to what is gated.
    const double other = activation == ReferenceActivation::kClamped ? std::clamp(up.at(i), -7.0, 7.0) + 1.0 : up.at(i);
    inner[i] = activate(activation, gate[i]) * other;
  }
  return inner;
}

void softmax(Numbers& x) {
  const double highest = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double& element : x) sum += element = std::exp(element - highest);
  for (double& element : x) element /= sum;
}

double softly_capped(double x, double cap) { return cap == 0.0 ? x : cap * std::tanh(x / cap); }

}  // namespace pith::test
