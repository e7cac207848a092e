#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gguf/tensor_type.h"
#include "kernels/types.h"

namespace pith::weights {

/// How one weight type is stored in panels of 16 rows (docs/formats/packed_weights.md). pack.cpp has the table of all
/// types.
struct PackInfo {
  gguf::TensorType type;
  kernels::PackedFormat format;
  /// Columns per block, and bytes per block of 16 rows.
  std::size_t block_columns;
  std::size_t block_bytes;
  /// Whether weights are multiplied with int8 activations (otherwise with float32 ones).
  bool quantized;
  /// Writes row `row` (0 to 15) of one block of 16 rows from that row's GGUF block.
  void (*pack)(const std::uint8_t* source, std::size_t row, std::uint8_t* block);
  /// Writes the weights [block_columns] of row `row`, bit for bit those that dequantize() gives for the GGUF block.
  void (*unpack)(const std::uint8_t* block, std::size_t row, float* out);
};

/// Returns a type's row of the table. Throws Error(kUnsupported) if it has none.
const PackInfo& pack_info(gguf::TensorType type);

}  // namespace pith::weights
