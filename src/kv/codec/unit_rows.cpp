#include "kv/codec/unit_rows.h"

#include <cmath>

namespace pith::kv {

UnitRows unit_rows(std::span<const float> rows, std::size_t size) {
  UnitRows unit;
  unit.rows.reserve(rows.size());
  unit.norms.reserve(rows.size() / size);
  for (std::size_t at = 0; at < rows.size(); at += size) {
    double squares = 0.0;
    for (const float x : rows.subspan(at, size)) squares += static_cast<double>(x) * static_cast<double>(x);
    const double norm = std::sqrt(squares);
    const double inverse = norm > 0.0 ? 1.0 / norm : 0.0;
    for (const float x : rows.subspan(at, size)) unit.rows.push_back(static_cast<float>(x * inverse));
    unit.norms.push_back(norm);
  }
  return unit;
}

}  // namespace pith::kv
