#pragma once

#include <cstddef>

#include "gguf/tensor_type.h"

namespace pith::weights {

/// Returns the bytes of one row of `columns` weights. Throws Error(kInvalidArgument) if the row is not whole blocks, or
/// if its size does not fit into std::size_t.
std::size_t row_bytes(gguf::TensorType type, std::size_t columns);

}  // namespace pith::weights
