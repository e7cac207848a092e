#pragma once

#include <cstddef>
#include <filesystem>

#include "gguf/metadata.h"

namespace pith::gguf {

/// What a file states about being part of a split model.
struct Shard {
  /// The number of files of the model; 1 if it is not split.
  std::size_t count = 1;
  /// This file's index, counted from 0.
  std::size_t index = 0;
};

/// Reads split.count and split.no. Throws Error(kFormat) naming `path` if the index is not below the count, or the
/// count is above 99,999.
Shard read_shard(const Metadata& metadata, const std::filesystem::path& path);

/// Returns the path of file `index` of a model, next to its first file: ".../name-00002-of-00003.gguf". Uses only the
/// first file's own name, never a name that a file states. Throws Error(kFormat) if the first file is not called
/// "name-00001-of-<count>.gguf".
std::filesystem::path shard_path(const std::filesystem::path& first, std::size_t index, std::size_t count);

}  // namespace pith::gguf
