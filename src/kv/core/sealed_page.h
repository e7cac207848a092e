#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/buffer.h"
#include "kv/core/byte_counter.h"

namespace pith::kv {

/// The immutable bytes of one page of one side of one KV head, optionally with a checksum to verify that they have not
/// changed in memory.
class PageBytes {
 public:
  PageBytes(RawBuffer bytes, const PageKeeping& keeping);
  ~PageBytes();
  PageBytes(const PageBytes&) = delete;
  PageBytes& operator=(const PageBytes&) = delete;

  const std::byte* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::span<const std::byte> span() const noexcept { return {data(), size()}; }
  /// Returns what it takes of the process's memory, about.
  std::size_t memory() const noexcept { return size() + kOverhead; }
  /// Returns whether the bytes match the checksum; true without one.
  bool intact() const;

 private:
  /// This object with its reference counts, alignment, what the allocator keeps about both, and the entries of tables.
  static constexpr std::size_t kOverhead = 256;

  RawBuffer bytes_;
  std::uint64_t checksum_;  ///< XXH3; 0: none
  std::shared_ptr<ByteCounter> counter_;
};

/// Immutable, so caches share it.
using SealedPage = std::shared_ptr<const PageBytes>;

inline SealedPage seal_bytes(RawBuffer bytes, const PageKeeping& keeping) {
  return std::make_shared<const PageBytes>(std::move(bytes), keeping);
}

}  // namespace pith::kv
