#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/cache.h"

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
  void begin(std::size_t first_page) {
    first_page_ = first_page;
    in_place_.clear();
  }
  /// Makes writes go straight to the cache's open pages: for a single token, copying them there and back would be most
  /// of the work. Only for single-token batches: a larger batch that failed midway would leave tokens in the open page.
  void begin_in_place(Cache& cache, std::size_t layer, std::size_t first_page);
  bool in_place() const { return !in_place_.empty(); }

 private:
  struct Memory {
    std::size_t page_bytes = 0;
    RawBuffer pages;  ///< [kv_heads, pages_max]
  };

  std::size_t pages_max_;
  std::size_t first_page_ = 0;
  std::vector<std::byte*> in_place_;  ///< [sides, kv_heads], or empty
  std::size_t row_size_;
  std::vector<float> rows_;  ///< [kv_heads, pages_max, value_size]
  std::array<Memory, kSides.size()> memory_;
};

/// Rows of one batch of one layer: queries [tokens, heads * key_size], keys [tokens, kv_heads * key_size] and values
/// [tokens, kv_heads * value_size], `stride` floats from token to token.
struct NewTokens {
  const float* queries = nullptr;
  const float* keys = nullptr;
  const float* values = nullptr;
  std::size_t stride = 0;
  std::size_t tokens = 0;
  std::size_t position = 0;  ///< Of the first token.
  float scale = 1.0F;        ///< Multiplies the scores.
};

/// Writes the batch's keys and values into the staging pages, seals every page that became full, and encodes pages that
/// became old in their final form. Attention comes next, then finish_append().
void append(Cache& cache, Staging& staging, ThreadPool& pool, std::size_t layer, const NewTokens& batch);

/// Copies the unfinished page into the cache and drops what no later query of this layer can see.
void finish_append(Cache& cache, const Staging& staging, std::size_t layer, std::size_t tokens_total);

}  // namespace pith::kv
