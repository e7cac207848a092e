#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "gguf/tensor_type.h"

namespace pith::gguf {

/// A tensor as the file states it, checked: 1 to 4 dimensions, none zero, whole blocks, `data` exactly as long as they
/// say.
struct TensorInfo {
  std::string name;
  TensorType type = TensorType::kF32;
  /// As in the file: dims[0] is the columns, which lie side by side.
  std::vector<std::uint64_t> dims;
  /// In the mapping; aligned as the file says, which may be less than the element type wants.
  std::span<const std::byte> data;

  std::uint64_t columns() const { return dims.front(); }
  /// The product of all other dimensions.
  std::uint64_t rows() const {
    return std::accumulate(dims.begin() + 1, dims.end(), std::uint64_t{1}, std::multiplies<>());
  }
};

}  // namespace pith::gguf
