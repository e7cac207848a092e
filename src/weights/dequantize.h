#pragma once

#include <cstddef>
#include <span>

#include "gguf/tensor_type.h"

namespace pith::weights {

/// Expands whole blocks to float32. The result equals that of the Python package `gguf` bit for bit: products and sums
/// are rounded to float32 in the same order. `destination` holds a multiple of the type's block elements, `source`
/// exactly their bytes; neither needs to be aligned. Throws Error(kInvalidArgument) if the sizes do not match.
void dequantize(gguf::TensorType type, std::span<const std::byte> source, std::span<float> destination);

}  // namespace pith::weights
