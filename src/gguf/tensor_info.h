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

/// A tensor as the file states it, checked: it has 1 to 4 dimensions, none of them zero, whole blocks, and exactly as
/// many bytes of `data` as these need.
struct TensorInfo {
  std::string name;
  TensorType type = TensorType::kF32;
  /// In the order of the file: dims[0] is the number of columns, which are contiguous in memory.
  std::vector<std::uint64_t> dims;
  /// Points into the mapping. Aligned as the file states, which may be less than the element type needs.
  std::span<const std::byte> data;

  std::uint64_t columns() const { return dims.front(); }
  /// The product of all dimensions but the first.
  std::uint64_t rows() const {
    return std::accumulate(dims.begin() + 1, dims.end(), std::uint64_t{1}, std::multiplies<>());
  }
};

}  // namespace pith::gguf
