#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "gguf/tensor_type.h"

namespace pith::weights {

/// A NaN or infinity in a row of weights: an element, a block's scale or minimum, or a weight that
/// overflows.
struct NotFinite {
  /// The first column that it affects.
  std::size_t column = 0;
  /// "element", "scale", "minimum" or "weight".
  std::string_view what;
  float value = 0.0F;
};

/// Returns the first number of whole blocks of a type that is not finite, or nullopt if all are. Reads only a few bytes
/// per block: the others are integers, whose products with finite 16-bit floats are always finite. Blocks whose scales
/// are so large that products may overflow are dequantized.
std::optional<NotFinite> find_not_finite(gguf::TensorType type, std::span<const std::byte> blocks);

}  // namespace pith::weights
