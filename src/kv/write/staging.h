#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "kv/core/scratch_layout.h"
#include "kv/core/step.h"

namespace pith::kv {

class Staging;

/// The exact pages that one step writes, in the current layer: the layer's open page and those after it. Attention of
/// the step reads its own pages here; only the last one, if unfinished, is copied back into the cache.
class StagedPages {
 public:
  /// Returns page `page` (its number in the sequence) of a KV head, in the format of SideConfig::exact().
  std::byte* page(KvSide side, std::size_t kv_head, std::size_t page) const;
  /// Returns scratch for the one task that writes this page: a value [value_size].
  float* row(std::size_t kv_head, std::size_t page) const;
  /// Returns whether writes go straight to the cache's open pages.
  bool in_place() const { return in_place_; }
  std::size_t first_page() const { return first_page_; }
  /// Returns the number in the sequence of the page that is number `n` of all steps' pages.
  std::size_t page_number(std::size_t n) const { return first_page_ + n - first_place_; }

 private:
  friend class Staging;

  std::size_t place_of(std::size_t kv_head, std::size_t page) const;

  const Staging* staging_ = nullptr;
  std::size_t first_page_ = 0;  ///< In the sequence
  std::size_t pages_ = 0;
  std::size_t first_place_ = 0;  ///< Of the first page in the staging area.
  bool in_place_ = false;
  std::array<std::vector<std::byte*>, kSides.size()> open_;  ///< [kv_heads]; if in_place_.
};

/// The staging area of a pass, one layer at a time. One owner at a time.
class Staging {
 public:
  /// Allocates for one step of at most `tokens_max` tokens; more is allocated when a pass needs it.
  Staging(const ScratchLayout& layout, std::size_t tokens_max);
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  std::size_t bytes() const;

  /// Begins a layer of a pass. A single token that leaves its page unfinished is written in place: copying the page
  /// there and back would be most of the work. A larger step is not, since it would leave tokens in the open page if it
  /// failed midway.
  void begin(std::span<const Step> steps, std::size_t layer);
  const StagedPages& of(std::size_t step) const { return parts_[step]; }
  /// Returns the pages of all steps together.
  std::size_t pages() const { return pages_; }
  /// Returns the step that page `n` of all pages belongs to.
  std::size_t step_of(std::size_t n) const;

 private:
  friend class StagedPages;

  struct Memory {
    std::size_t page_bytes = 0;
    RawBuffer pages;  ///< [pages_max, kv_heads]
  };

  void reserve(std::size_t pages);
  Memory& memory(KvSide side) { return memory_[static_cast<std::size_t>(side)]; }
  const Memory& memory(KvSide side) const { return memory_[static_cast<std::size_t>(side)]; }

  std::size_t kv_heads_;
  std::size_t row_size_;
  std::size_t pages_max_ = 0;
  std::size_t pages_ = 0;
  std::vector<StagedPages> parts_;  ///< [steps]
  Buffer<float> rows_;              ///< [pages_max, kv_heads, value_size]
  std::array<Memory, kSides.size()> memory_;
};

/// Returns the head's open page for writing: not shared with forks any more.
RawBuffer& own_open(Head& head, KvSide side);

}  // namespace pith::kv
