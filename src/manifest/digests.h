#pragma once

#include <pith/manifest.h>

#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "base/thread_pool.h"
#include "gguf/file.h"

namespace pith::manifest {

/// Returns a manifest's entry for a tensor, without its digest.
Manifest::Tensor describe_tensor(const gguf::TensorInfo& tensor);

/// Returns all keys sorted by name, with digests. A key's digest is that of its value as stored in the file: the type
/// as u32, for arrays also the elements' type as u32 and their number as u64, then the bytes.
std::vector<Manifest::Key> describe_metadata(const gguf::Metadata& metadata);

/// Returns the SHA-256 of the bytes in hexadecimal. Calls on_piece with the size of each piece after hashing it.
std::string digest_of(std::span<const std::byte> bytes, const std::function<void(std::size_t bytes)>& on_piece);

/// Copies bytes and hashes the copy, so that the digest is right for the copy even if the original changes meanwhile.
std::string copy_and_digest(std::span<const std::byte> from, std::span<std::byte> to);

}  // namespace pith::manifest
