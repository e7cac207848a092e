#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace pith::kv {

/// Rows divided by their norms.
struct UnitRows {
  std::vector<float> rows;    ///< [count, size]; a row of zeros stays one.
  std::vector<double> norms;  ///< [count]
};

/// Normalizes rows [count, size]. The result is finite for any finite rows.
UnitRows unit_rows(std::span<const float> rows, std::size_t size);

}  // namespace pith::kv
