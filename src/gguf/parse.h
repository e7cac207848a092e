#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace pith::gguf {

/// One file's contents: all of a model, or one part of a split one.
struct Parsed {
  std::uint32_t version = 0;
  Metadata metadata;
  /// In the file's order.
  std::vector<TensorInfo> tensors;
};

/// Reads and checks one file's bytes; the result's views lie in them. `path` is for messages. Throws Error: kFormat for
/// what is damaged, kUnsupported for another version, byte order or tensor type.
Parsed parse(std::span<const std::byte> bytes, const std::string& path);

/// The same, but the header is read from a copy of the file's beginning, where all but tensors' data then lies.
Parsed parse(std::span<const std::byte> header, std::span<const std::byte> bytes, const std::string& path);

}  // namespace pith::gguf
