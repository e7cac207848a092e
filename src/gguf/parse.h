#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gguf/metadata.h"
#include "gguf/tensor_info.h"

namespace pith::gguf {

/// The contents of one file: a whole model, or one part of a split one.
struct Parsed {
  std::uint32_t version = 0;
  Metadata metadata;
  /// In the order of the file.
  std::vector<TensorInfo> tensors;
};

/// Reads and checks the bytes of one file; views in the result point into them. `path` is for messages. Throws Error:
/// kFormat for damaged files, kUnsupported for another version, byte order or tensor type.
Parsed parse(std::span<const std::byte> bytes, const std::string& path);

/// The same, but reads the header from `header`, a copy of the file's beginning. All views but those of tensors' data
/// then point into the copy.
Parsed parse(std::span<const std::byte> header, std::span<const std::byte> bytes, const std::string& path);

}  // namespace pith::gguf
