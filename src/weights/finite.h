#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "gguf/tensor_type.h"

namespace pith::weights {

/// A number of a row of weights that is NaN or infinite: an element, or what a block multiplies its codes by or adds.
struct NotFinite {
  /// The first column that it concerns.
  std::size_t column = 0;
  /// "element", "scale" or "minimum".
  std::string_view what;
  float value = 0.0F;
};

/// The first such number of whole blocks of a type; nullopt if all are finite. Reads a few bytes a block: all others
/// are integers, of which any will do, and their products with finite 16-bit floats are finite.
std::optional<NotFinite> find_not_finite(gguf::TensorType type, std::span<const std::byte> blocks);

}  // namespace pith::weights
