#pragma once

#include <cstddef>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "kv/cache.h"

namespace pith::kv {

/// The exact pages that a batch touches, of one layer at a time: the layer's open page and those after it. Attention of
/// the batch reads its own pages here; only the unfinished last one goes back into the cache. One owner at a time.
class Staging {
 public:
  /// For batches of at most `tokens_max` tokens.
  Staging(const Cache& cache, std::size_t tokens_max);

  /// Page `page` (absolute number) of a KV head.
  ExactPage page(const Cache& cache, std::size_t kv_head, std::size_t page) const;
  std::byte* memory(std::size_t kv_head, std::size_t page) const;
  void begin(std::size_t first_page) { first_page_ = first_page; }

 private:
  std::size_t pages_max_;
  std::size_t page_bytes_;
  std::size_t first_page_ = 0;
  RawBuffer memory_;
};

/// Rows of one batch of one layer: keys [tokens, kv_heads * key_size] and values [tokens, kv_heads * value_size],
/// `stride` floats from token to token. Rotated in place where the codecs ask for it.
struct NewTokens {
  float* keys = nullptr;
  float* values = nullptr;
  std::size_t stride = 0;
  std::size_t tokens = 0;
  std::size_t position = 0;  ///< Of the first one.
};

/// Writes the batch's keys and values into the staging pages and seals every page that became complete. Attention
/// follows, then finish_append().
void append(Cache& cache, Staging& staging, ThreadPool& pool, std::size_t layer, const NewTokens& batch);

/// Keeps the unfinished page and drops pages that no later query of this layer can see.
void finish_append(Cache& cache, const Staging& staging, std::size_t layer, std::size_t tokens_total);

}  // namespace pith::kv
