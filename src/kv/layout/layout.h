#pragma once

#include <cstddef>
#include <cstdint>

namespace pith::kv {

/// Tokens per page: the unit that is sealed, shared and dropped.
inline constexpr std::size_t kPageTokens = 64;
/// Pages per chunk: a softmax state is built over each chunk, then states are merged along a fixed tree (MergeTree), so
/// that results do not depend on how pages are distributed over threads and machines.
inline constexpr std::size_t kChunkPages = 8;
/// Stripes of that tree: chunk c is part of stripe c % kStripes.
inline constexpr std::size_t kStripes = 16;
/// First tokens of a sequence that are kept exactly where pages are lossy, since attention sinks are among them (Xiao
/// et al., arXiv 2309.17453). One tile. Not what eviction protects: that is EvictionOptions::sinks.
inline constexpr std::size_t kExactPrefixTokens = 16;

/// Bit t: token t of a page is held.
using TokenMask = std::uint64_t;
inline constexpr TokenMask kAllTokens = ~TokenMask{0};
static_assert(kPageTokens == 64);

/// Tokens [0, count).
constexpr TokenMask first_tokens(std::size_t count) {
  return count >= kPageTokens ? kAllTokens : (TokenMask{1} << count) - 1;
}

/// The shape of a layer.
struct LayerShape {
  std::size_t heads = 0;       ///< Query heads.
  std::size_t kv_heads = 0;    ///< Divides heads
  std::size_t key_size = 0;    ///< Elements of a key head, a multiple of 16.
  std::size_t value_size = 0;  ///< Elements of a value head, a multiple of 16.
  std::size_t window = 0;      ///< How many tokens a query sees, including its own; 0: all.

  std::size_t group() const { return heads / kv_heads; }
};

/// Returns the first token that the query at position `tokens` sees through a window; 0 for a window of 0, which is
/// unlimited.
constexpr std::size_t first_visible(std::size_t tokens, std::size_t window) {
  return window != 0 && tokens + 1 > window ? tokens + 1 - window : 0;
}

}  // namespace pith::kv
