#pragma once

#include <pith/codec.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "kernels/random_rows.h"

namespace pith::kv::test {

inline constexpr std::size_t kTokens = KvCodec::kPageTokens;

/// Encodes rows [kTokens, size] and returns the decoded page.
inline std::vector<float> reconstruct(const KvCodec& codec, const std::vector<float>& rows, std::size_t first = 0) {
  std::vector<std::byte> page(codec.page_bytes(), std::byte{0x5A});
  codec.encode(rows, first, page);
  std::vector<float> back(rows.size(), std::nanf(""));
  codec.decode(page, back);
  return back;
}

inline double dot(const float* a, const float* b, std::size_t size) {
  double sum = 0.0;
  for (std::size_t i = 0; i < size; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// Returns |rows - back|^2 / |rows|^2 over all but the first `from` elements.
inline double relative_error(const std::vector<float>& rows, const std::vector<float>& back, std::size_t from = 0) {
  double errors = 0.0;
  double squares = 0.0;
  for (std::size_t i = from; i < rows.size(); ++i) {
    const double x = static_cast<double>(rows[i]);
    errors += (x - static_cast<double>(back[i])) * (x - static_cast<double>(back[i]));
    squares += x * x;
  }
  return errors / squares;
}

/// Returns unit rows [kTokens, size], uniform on the sphere.
inline std::vector<float> unit_page(std::size_t size, std::uint64_t seed) {
  std::vector<float> rows = kernels::test::random_floats(kTokens * size, seed);
  for (std::size_t t = 0; t < kTokens; ++t) {
    float* row = &rows[t * size];
    const auto norm = static_cast<float>(std::sqrt(dot(row, row, size)));
    for (std::size_t i = 0; i < size; ++i) row[i] /= norm;
  }
  return rows;
}

}  // namespace pith::kv::test
