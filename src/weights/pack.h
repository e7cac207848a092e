#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gguf/tensor_type.h"
#include "kernels/types.h"

namespace pith::weights {

/// How one weight type lies in panels of 16 rows (docs/formats/packed_weights.md). One row a type: pack_table.cpp.
struct PackInfo {
  gguf::TensorType type;
  kernels::PackedFormat format;
  /// Columns that a block covers, and bytes of a block of 16 rows.
  std::size_t block_columns;
  std::size_t block_bytes;
  /// Multiplied with int8 activations.
  bool quantized;
  /// Writes `row` (0..15) of one block of 16 rows from that row's GGUF block.
  void (*pack)(const std::uint8_t* source, std::size_t row, std::uint8_t* block);
  /// The weights [block_columns] of `row`, bit for bit what dequantizing the GGUF block gives.
  void (*unpack)(const std::uint8_t* block, std::size_t row, float* out);
};

/// Throws Error(kUnsupported) for a type that is not in the table.
const PackInfo& pack_info(gguf::TensorType type);

}  // namespace pith::weights
