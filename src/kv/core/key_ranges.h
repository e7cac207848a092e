#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "kernels/table.h"

namespace pith::kv {

/// The range of each key channel per sealed page of one KV head: by slot (HeadSlots), its least and its largest
/// element, as f16 rounded outwards. They bound what a query can score on a page without reading it (Quest, Tang et
/// al., arXiv 2406.10774). Slots lie in tiles of 16, so that a dot kernel handles 16 at once. Copies share tiles
/// copy-on-write.
class KeyRanges {
 public:
  /// Returns the bytes that `slots` slots take.
  static constexpr std::size_t bytes_of(std::size_t slots, std::size_t size) {
    return (slots + kernels::kLanes - 1) / kernels::kLanes * tile_bytes(size);
  }

  /// Sets slot `slot` to the ranges of keys [n, size], or to ranges of 0 without keys. Slots before it that were never
  /// set have ranges of 0.
  void set(std::size_t slot, std::size_t size, std::span<const float> keys);
  /// Copies slot `from` of other ranges to slot `slot`.
  void copy(std::size_t slot, const KeyRanges& other, std::size_t from);
  /// Drops the slots from `count` on.
  void keep(std::size_t count);
  std::size_t bytes() const { return tiles_.size() * tile_bytes(size_); }

  /// Converts queries [rows, size] for reach(): [rows, 2 * size], factors of the largest elements, then of the least.
  static void split_queries(const float* queries, std::size_t rows, std::size_t size, float reach, float* out);
  /// Computes the highest score that each row can reach if keys lie within the fraction `reach` of the ranges around
  /// their middle; with reach = 1, an upper bound. Writes scores[r * stride + slot] for room() slots.
  void reach(const kernels::KernelTable& kernels, const float* split, std::size_t rows, float* scores,
             std::size_t stride) const;
  /// Returns how many slots there is room for, a multiple of 16.
  std::size_t room() const { return tiles_.size() * kernels::kLanes; }

 private:
  static constexpr std::size_t tile_bytes(std::size_t size) {
    return 2 * size * kernels::kLanes * sizeof(std::uint16_t);
  }
  /// Returns a tile for writing.
  std::uint16_t* own(std::size_t tile);

  std::size_t size_ = 0;
  /// [2 * size][16 slots]: the largest elements, then the least
  std::vector<std::shared_ptr<RawBuffer>> tiles_;
};

}  // namespace pith::kv
