#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/buffer.h"

namespace pith::kv {

/// The immutable bytes of one page of one side of one KV head, optionally with a checksum to verify that they have not
/// changed in memory.
class PageBytes {
 public:
  PageBytes(RawBuffer bytes, bool with_checksum);

  const std::byte* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::span<const std::byte> span() const noexcept { return {data(), size()}; }
  /// Returns whether the bytes match the checksum; true without one.
  bool intact() const;

 private:
  RawBuffer bytes_;
  std::uint64_t checksum_;  ///< XXH3; 0: none
};

/// Immutable, so caches share it.
using SealedPage = std::shared_ptr<const PageBytes>;

inline SealedPage seal_bytes(RawBuffer bytes, bool with_checksum) {
  return std::make_shared<const PageBytes>(std::move(bytes), with_checksum);
}

}  // namespace pith::kv
