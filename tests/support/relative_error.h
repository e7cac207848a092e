#pragma once

#include <cmath>
#include <cstddef>

namespace pith::test {

/// Returns |a - b| / |b| of two vectors of one length.
template <typename A, typename B>
double relative_error(const A& a, const B& b) {
  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto expected = static_cast<double>(b[i]);
    error += std::pow(static_cast<double>(a[i]) - expected, 2);
    size += expected * expected;
  }
  return std::sqrt(error / size);
}

}  // namespace pith::test
