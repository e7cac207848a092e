#pragma once

#include <cstddef>

#include "gguf/tensor_type.h"

namespace pith::weights {

/// Bytes of one row of `columns` weights. Throws Error(kInvalidArgument) unless they are whole blocks, or if the size
/// does not fit into std::size_t.
std::size_t row_bytes(gguf::TensorType type, std::size_t columns);

}  // namespace pith::weights
