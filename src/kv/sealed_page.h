#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/buffer.h"

namespace pith::kv {

/// The bytes of one page of one side of one KV head, sealed: they do not change any more. With a checksum, whether they
/// really have not can be asked.
class PageBytes {
 public:
  PageBytes(RawBuffer bytes, bool with_checksum);

  const std::byte* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::span<const std::byte> span() const noexcept { return {data(), size()}; }
  /// Whether they are what was sealed; true without a checksum.
  bool intact() const;

 private:
  RawBuffer bytes_;
  std::uint64_t checksum_;  ///< XXH3; 0: none.
};

/// Immutable, so that caches may share it.
using SealedPage = std::shared_ptr<const PageBytes>;

inline SealedPage seal_bytes(RawBuffer bytes, bool with_checksum) {
  return std::make_shared<const PageBytes>(std::move(bytes), with_checksum);
}

}  // namespace pith::kv
