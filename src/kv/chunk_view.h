#pragma once

#include <cstddef>
#include <limits>

#include "kv/cache.h"

namespace pith::kv {

/// A score that no softmax sees.
inline constexpr float kUnseen = -std::numeric_limits<float>::infinity();

/// What a query `distance` pages behind a sealed page reads.
struct PageView {
  const Codec* codec = nullptr;
  const std::byte* bytes = nullptr;
  const std::vector<Origin>* origins = nullptr;

  void prefetch() const;
};

/// Rows of attention: all query heads of some tokens of one page.
struct QueryBlock {
  std::size_t position = 0;  ///< Of the first token.
  std::size_t tokens = 0;
  std::size_t group = 1;
  std::size_t window = 0;
};

/// Some tokens of the cache, as they come up in attention.
struct TokensView {
  std::size_t start = 0;  ///< Position of the first one; of packed pages anything that lies before every query.
  TokenMask live = kAllTokens;
  std::size_t count = kPageTokens;  ///< A multiple of 16.
  std::size_t cell = 0;
};

/// The pages of one KV head as one block of queries sees them, page by page. Short-lived; members are the caller's.
class ChunkView {
 public:
  ChunkView(const Cache& cache, std::size_t layer, std::size_t kv_head, const QueryBlock& block);

  PageView keys(const Slot& slot, const Page& page, std::size_t own_page) const;
  PageView values(const Slot& slot, const Page& page, std::size_t own_page) const;
  bool before_window(const Slot& slot) const;
  /// The step of a softmax over tokens whose scores are there: what is dead or not seen by a row is not in it.
  kernels::SoftmaxStep step(const TokensView& tokens) const;
  /// Exact tokens of pages of `page_tokens` tokens.
  void attend_exact(const float* queries, const TokensView& tokens, const std::byte* keys, const std::byte* values,
                    std::size_t page_tokens) const;

  SoftmaxRows rows{};
  float* scores = nullptr;                ///< [rows, kPageTokens]
  float* observed = nullptr;              ///< [cells, rows, kPageTokens], or null
  kernels::TokenRange* ranges = nullptr;  ///< [rows]
  PageScratch scratch{};

 private:
  kernels::TokenRange seen_by(std::size_t position, const TokensView& tokens) const;
  void observe(const kernels::SoftmaxStep& step, const TokensView& tokens) const;

  const SideConfig& key_side_;
  const SideConfig& value_side_;
  const Codec& old_keys_;
  QueryBlock block_;
};

}  // namespace pith::kv
