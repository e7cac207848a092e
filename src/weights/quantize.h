#pragma once

#include <cstddef>
#include <span>

#include "gguf/tensor_type.h"

namespace pith::weights {

/// Returns whether quantize() makes blocks of this type. It does not make Q8_K, NVFP4, nor the IQ types of 1 to 3 bits.
bool can_quantize(gguf::TensorType type) noexcept;

/// Rounds weights to whole blocks of a type; the inverse of dequantize(). F16, BF16, Q8_0, Q4_0 to Q5_1, TQ1_0, TQ2_0
/// and MXFP4 become what the Python package `gguf` makes of them, bit for bit; the other types minimize the sum of
/// squared errors. A weight or scale too large for the type becomes infinite, which find_not_finite() reports.
/// `source` holds finite numbers, a multiple of the type's block elements; `destination` exactly the blocks' bytes. A
/// block depends on its own weights only. Throws Error: kInvalidArgument if the sizes do not match, kUnsupported if the
/// type is not one that it makes.
void quantize(gguf::TensorType type, std::span<const float> source, std::span<std::byte> destination);

}  // namespace pith::weights
