#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gguf/reader.h"
#include "gguf/tensor_info.h"

namespace pith::gguf {

/// The smallest entry in bytes: name length, a name of one character, rank, one dimension, type, offset.
inline constexpr std::size_t kTensorEntryBytesMin = 8 + 1 + 4 + 8 + 4 + 8;

/// Reads the list of `count` tensors at the reader's position, and finds their data in `file`, which holds all of the
/// file's bytes. The data begins at the next multiple of `alignment` and has no gaps other than padding. Throws
/// Error(kFormat) for anything else, and Error(kUnsupported) for types that pith does not read.
std::vector<TensorInfo> read_tensor_table(Reader& reader, std::uint64_t count, std::span<const std::byte> file,
                                          std::uint64_t alignment);

}  // namespace pith::gguf
