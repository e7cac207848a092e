#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gguf/reader.h"
#include "gguf/tensor_info.h"

namespace pith::gguf {

/// Name length, a name of one character, one dimension, type, offset.
inline constexpr std::size_t kTensorEntryBytesMin = 8 + 1 + 4 + 8 + 4 + 8;

/// Reads the list of `count` tensors where the reader stands, and finds their data in `file`, all of the file's bytes.
/// Data begins at the next multiple of `alignment` and has no gaps but padding. Throws Error(kFormat) for anything
/// else, and Error(kUnsupported) for types that pith does not read.
std::vector<TensorInfo> read_tensor_table(Reader& reader, std::uint64_t count, std::span<const std::byte> file,
                                          std::uint64_t alignment);

}  // namespace pith::gguf
