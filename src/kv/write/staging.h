#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "base/buffer.h"
#include "kv/core/cache.h"

namespace pith::kv {

/// The exact pages that a batch writes, one layer at a time: the layer's open page and those after it. Attention of the
/// batch reads its own pages here; only the last one, if unfinished, is copied back into the cache. One owner at a
/// time.
class Staging {
 public:
  /// Allocates for batches of at most `tokens_max` tokens, of any cache of the same ScratchLayout.
  Staging(const Cache& cache, std::size_t tokens_max);

  std::size_t bytes() const;

  /// Returns page `page` (its number in the sequence) of a KV head, in the format of SideConfig::exact().
  std::byte* page(KvSide side, std::size_t kv_head, std::size_t page) const;
  /// Returns scratch for the one task that writes this page: a value [value_size].
  float* row(std::size_t kv_head, std::size_t page);
  void begin(std::size_t first_page);
  /// Makes writes go straight to the cache's open pages: for a single token, copying them there and back would be most
  /// of the work. Only for single-token batches: a larger batch that failed midway would leave tokens in the open page.
  void begin_in_place(Layer& layer, std::size_t first_page);
  bool in_place() const { return in_place_; }

 private:
  struct Memory {
    std::size_t page_bytes = 0;
    RawBuffer pages;                   ///< [kv_heads, pages_max]
    std::vector<std::byte*> in_place;  ///< [kv_heads]
  };

  Memory& memory(KvSide side) { return memory_[static_cast<std::size_t>(side)]; }

  std::size_t pages_max_;
  std::size_t first_page_ = 0;
  bool in_place_ = false;
  std::size_t row_size_ = 0;
  std::vector<float> rows_;  ///< [kv_heads, pages_max, value_size]
  std::array<Memory, kSides.size()> memory_;
};

/// Returns the head's open page for writing: not shared with forks any more.
RawBuffer& own_open(Head& head, KvSide side);

}  // namespace pith::kv
