#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "snapshot/header.h"

namespace pith::snapshot {

/// Plain bytes per chunk; the last one may have fewer.
inline constexpr std::size_t kChunkBytes = 65536;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kKeyBytes = 32;

/// AES-256-GCM over chunks. Each chunk is authenticated with its number, whether it is the last one, and the file's
/// header, so that chunks cannot be cut off, reordered, or moved to another file unnoticed. Every file has its own key,
/// derived from the caller's and a random salt (HKDF-SHA256), so that no nonce is used twice. Not thread-safe.
class ChunkCipher {
 public:
  /// Makes a cipher for a new file and fills the header's salt and key check. Throws Error: kInvalidArgument for a key
  /// that is not kKeyBytes long; kInternal if OpenSSL fails.
  static ChunkCipher make(std::span<const std::byte> key, Header& header);
  /// Makes a cipher for an existing file. Throws Error(kInvalidArgument) if the key is not the one that it was written
  /// with.
  static ChunkCipher open(std::span<const std::byte> key, const Header& header, std::string_view path);

  ~ChunkCipher();
  ChunkCipher(ChunkCipher&&) noexcept;
  ChunkCipher& operator=(ChunkCipher&&) noexcept;

  /// Encrypts chunk [plain bytes + kTagBytes] in place; the tag is written last.
  void seal(std::uint64_t number, bool last, std::span<std::byte> chunk);
  /// Decrypts in place. Returns false if these are not the bytes that were sealed.
  bool unseal(std::uint64_t number, bool last, std::span<std::byte> chunk);

 private:
  struct State;
  explicit ChunkCipher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pith::snapshot
