#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "kernels/table.h"

namespace pith::kv {

/// What the sealed pages of one KV head say about their keys without being read: by slot (HeadSlots), the least and the
/// largest element of each channel, in f16 and rounded outwards. They bound what a query can score on a page (Tang et
/// al., 2406.10774). Slots lie in tiles of 16, so that a dot kernel sees 16 at once. Copies share tiles until one
/// writes.
class KeyRanges {
 public:
  /// What so many slots take.
  static constexpr std::size_t bytes_of(std::size_t slots, std::size_t size) {
    return (slots + kernels::kLanes - 1) / kernels::kLanes * tile_bytes(size);
  }

  /// Of keys [n, size] in slot `slot`; slots before it that were never set have ranges of 0. Without keys: of 0.
  void set(std::size_t slot, std::size_t size, std::span<const float> keys);
  /// Slot `slot` becomes what slot `from` of other ranges is.
  void copy(std::size_t slot, const KeyRanges& other, std::size_t from);
  /// Drops slots from `count` on.
  void keep(std::size_t count);
  std::size_t bytes() const { return tiles_.size() * tile_bytes(size_); }

  /// Queries [rows, size] as reach() takes them: [rows, 2 * size], what meets largest and least elements.
  static void split_queries(const float* queries, std::size_t rows, std::size_t size, float reach, float* out);
  /// What each row scores at most, if keys lie no further from the middle of the ranges than `reach` of the way to
  /// their ends; with 1, a bound. scores[r * stride + slot], for room() slots.
  void reach(const kernels::KernelTable& kernels, const float* split, std::size_t rows, float* scores,
             std::size_t stride) const;
  /// Slots with room, a multiple of 16.
  std::size_t room() const { return tiles_.size() * kernels::kLanes; }

 private:
  static constexpr std::size_t tile_bytes(std::size_t size) {
    return 2 * size * kernels::kLanes * sizeof(std::uint16_t);
  }
  /// A tile for writing.
  std::uint16_t* own(std::size_t tile);

  std::size_t size_ = 0;
  /// [2 * size][16 slots]: the largest elements, then the least
  std::vector<std::shared_ptr<RawBuffer>> tiles_;
};

}  // namespace pith::kv
