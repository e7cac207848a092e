#pragma once

#include <cstddef>
#include <span>

#include "gguf/tensor_type.h"

namespace pith::weights {

/// Expands whole blocks to float32, bit for bit as the Python package `gguf` does: products and sums are rounded to
/// float32 in its order. `destination` holds a multiple of the type's block elements, `source` exactly the bytes for
/// them; neither need be aligned. Throws Error(kInvalidArgument) if the sizes do not match.
void dequantize(gguf::TensorType type, std::span<const std::byte> source, std::span<float> destination);

}  // namespace pith::weights
