#pragma once

#include <cstddef>
#include <filesystem>

#include "gguf/metadata.h"

namespace pith::gguf {

/// What a file says about being part of a split model.
struct Shard {
  /// Files that the model consists of; 1 if it is not split.
  std::size_t count = 1;
  /// This file's place, from 0.
  std::size_t index = 0;
};

/// Reads split.count and split.no. Throws Error(kFormat) naming `path` for a place outside the count, or a count beyond
/// 99999.
Shard read_shard(const Metadata& metadata, const std::filesystem::path& path);

/// The path of file `index` of a model, next to its first file: ".../name-00002-of-00003.gguf". Only the first file's
/// own name counts, nothing written in it. Throws Error(kFormat) if the first file is not called
/// "name-00001-of-<count>.gguf".
std::filesystem::path shard_path(const std::filesystem::path& first, std::size_t index, std::size_t count);

}  // namespace pith::gguf
