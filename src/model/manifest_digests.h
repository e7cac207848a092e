#pragma once

#include <pith/manifest.h>

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/thread_pool.h"
#include "gguf/file.h"

namespace pith::model {

/// A manifest's line about a tensor, but for its digest.
Manifest::Tensor describe_tensor(const gguf::TensorInfo& tensor);

/// All keys in the order of their names, with digests. A key's digest is that of its value as the file has it: u32
/// type, of arrays u32 elements' type and u64 number, then the bytes.
std::vector<Manifest::Key> describe_metadata(const gguf::Metadata& metadata);

/// SHA-256 of parts of bytes that are handed out in order, a piece at a time; hexadecimal.
std::string digest_of(std::span<const std::byte> bytes, const std::function<void(std::size_t bytes)>& on_piece);

/// Copies bytes and hashes the copy: whatever happens to the original meanwhile, the digest is that of the copy.
std::string copy_and_digest(std::span<const std::byte> from, std::span<std::byte> to);

}  // namespace pith::model
