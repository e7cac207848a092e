#pragma once

#include <pith/quantize.h>

#include <string>
#include <vector>

#include "gguf/file.h"
#include "quantize/mixes.h"

namespace pith::quantize {

/// A tensor and the type that it gets.
struct PlannedTensor {
  const gguf::TensorInfo* tensor = nullptr;
  gguf::TensorType type = gguf::TensorType::kF32;
  /// As in QuantizedTensor.
  std::string note{};
};

/// Returns every tensor of the file in its order, with its type: as it is if it is kept; else by the first that says
/// something of the options' rules, output_type or embedding_type, pure, the mix's rules for output and embedding, and
/// its other rules. A type whose blocks do not divide the rows falls back to one with blocks of 32, then to F16. Throws
/// Error(kInvalidArgument) for options that make no sense for this file.
std::vector<PlannedTensor> plan_tensors(const gguf::File& file, const QuantizeOptions& options);

/// Returns the type that takes the place of another in rows of so many columns; itself if they are whole blocks.
gguf::TensorType fitting_type(gguf::TensorType type, std::uint64_t columns);

}  // namespace pith::quantize
