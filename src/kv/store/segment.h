#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/core/cache.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"

namespace pith::kv {

/// Pages per segment: 1,024 tokens.
inline constexpr std::size_t kSegmentPages = 16;

/// Old pages of all heads of global layers, apart from the cache that they are of: what caches of the same tokens have
/// in common, however they go on.
struct Segment {
  std::vector<Precision> precisions;  ///< Of keys. [global heads]
  std::vector<SealedPage> pages;      ///< [global heads, sides, kSegmentPages]

  const SealedPage& page(std::size_t global_head, KvSide side, std::size_t number) const {
    return pages[(global_head * kSides.size() + static_cast<std::size_t>(side)) * kSegmentPages +
                 number % kSegmentPages];
  }
};

/// Returns how many segments of the cache are complete: no form of their pages will change.
std::size_t complete_segments(const Cache& cache);
/// Returns the bytes of its pages.
std::size_t segment_bytes(const Cache& cache, std::size_t segment);
void save_segment(const Cache& cache, std::size_t segment, snapshot::Writer& writer);
/// Reads a segment for a cache of this shape. Throws Error(kFormat).
Segment read_segment(const Cache& shape, snapshot::Reader& reader);

}  // namespace pith::kv
