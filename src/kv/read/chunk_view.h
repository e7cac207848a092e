#pragma once

#include <cstddef>
#include <limits>

#include "kv/core/cache.h"

namespace pith::kv {

/// The score of a token that a row does not see: its weight in a softmax is 0.
inline constexpr float kUnseen = -std::numeric_limits<float>::infinity();

/// What a query reads of a sealed page: its recent or its old form.
struct PageView {
  const Codec* codec = nullptr;
  const std::byte* bytes = nullptr;
  const std::vector<Origin>* origins = nullptr;

  void prefetch() const;
};

/// The rows of a block: all query heads of up to kBlockTokens tokens of one page.
struct QueryBlock {
  std::size_t position = 0;  ///< Of the first token
  std::size_t tokens = 0;
  std::size_t group = 1;
  std::size_t window = 0;
};

/// The tokens of one cell, as attention reads them.
struct TokensView {
  std::size_t start = 0;  ///< Position of the first one; for packed pages any number that lies before every query.
  TokenMask live = kAllTokens;
  std::size_t count = kPageTokens;  ///< A multiple of 16.
  std::size_t cell = 0;
};

/// The pages of one KV head as one block of queries sees them. Short-lived: the caller owns what members point to.
class ChunkView {
 public:
  ChunkView(const Head& head, const QueryBlock& block);

  PageView keys(const Slot& slot, const Page& page, std::size_t own_page) const;
  PageView values(const Slot& slot, const Page& page, std::size_t own_page) const;
  bool before_window(const Slot& slot) const;
  /// Prepares the softmax step over tokens whose scores have been computed: excludes evicted tokens and, for each row,
  /// those that it does not see.
  kernels::SoftmaxStep step(const TokensView& tokens) const;
  /// Applies the soft cap to scores that have been computed.
  void cap_scores() const {
    if (softcap != 0.0F) kernels->softcap(scores, rows.rows * kPageTokens, softcap);
  }
  /// Attends to tokens of an exact page that has room for `page_tokens` tokens.
  void attend_exact(const float* queries, const TokensView& tokens, const std::byte* keys, const std::byte* values,
                    std::size_t page_tokens) const;

  SoftmaxRows rows{};
  float* scores = nullptr;                ///< [rows, kPageTokens]
  float* observed = nullptr;              ///< [cells, rows, kPageTokens], or null
  kernels::TokenRange* ranges = nullptr;  ///< [rows]
  PageScratch scratch{};
  float softcap = 0.0F;  ///< In base 2, like the scores; 0: none.
  const kernels::KernelTable* kernels = nullptr;

 private:
  kernels::TokenRange seen_by(std::size_t position, const TokensView& tokens) const;
  void observe(const kernels::SoftmaxStep& step, const TokensView& tokens) const;

  const SideConfig& key_side_;
  const SideConfig& value_side_;
  const Codec& old_keys_;
  QueryBlock block_;
};

}  // namespace pith::kv
