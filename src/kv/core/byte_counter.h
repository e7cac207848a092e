#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace pith::kv {

/// Counts the bytes of pages in memory, whoever shares them. Thread-safe.
class ByteCounter {
 public:
  void add(std::size_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void remove(std::size_t bytes) { bytes_.fetch_sub(bytes, std::memory_order_relaxed); }
  std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> bytes_{0};
};

/// How the pages of a cache are kept.
struct PageKeeping {
  /// With a checksum (store/integrity.h).
  bool checksums = false;
  /// What counts their bytes; null: nothing does.
  std::shared_ptr<ByteCounter> counter{};
};

}  // namespace pith::kv
