#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "snapshot/header.h"

namespace pith::snapshot {

/// Plain bytes of a chunk; the last one may have fewer.
inline constexpr std::size_t kChunkBytes = 65536;
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kKeyBytes = 32;

/// AES-256-GCM over chunks: each is authenticated with its number, whether it is the last one, and the file's header,
/// so that nothing can be cut off, reordered, or moved to another file. A file has a key of its own, made from the
/// caller's and a random salt (HKDF-SHA256), so that no nonce comes twice. Not thread-safe.
class ChunkCipher {
 public:
  /// For a new file: fills the header's salt and key check. Throws Error: kInvalidArgument for a key that is not
  /// kKeyBytes long, kInternal.
  static ChunkCipher make(std::span<const std::byte> key, Header& header);
  /// For a file: throws Error(kInvalidArgument) if the key is not the one that it was written with.
  static ChunkCipher open(std::span<const std::byte> key, const Header& header, std::string_view path);

  ~ChunkCipher();
  ChunkCipher(ChunkCipher&&) noexcept;
  ChunkCipher& operator=(ChunkCipher&&) noexcept;

  /// chunk: [plain bytes + kTagBytes], turned in place into what is written; the tag comes last.
  void seal(std::uint64_t number, bool last, std::span<std::byte> chunk);
  /// The reverse; false if these are not the bytes that were sealed.
  bool unseal(std::uint64_t number, bool last, std::span<std::byte> chunk);

 private:
  struct State;
  explicit ChunkCipher(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace pith::snapshot
