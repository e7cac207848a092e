#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kv/cache.h"

namespace pith::kv {

/// Reads keys or values of one KV head back, as the cache represents them, in the basis that they were appended in. For
/// eviction, not for attention: it decodes whole pages. Used by one thread.
class HeldRows {
 public:
  HeldRows(const Cache& cache, KvSide side, std::size_t layer, std::size_t kv_head)
      : cache_(cache), side_(side), layer_(layer), kv_head_(kv_head) {}

  /// Returns row `token` of a cell (slots.h), valid until another cell is read.
  std::span<const float> row(std::size_t cell, std::size_t token);

 private:
  void read(std::size_t cell);
  void read_exact(const std::byte* page, std::size_t tokens);
  void read_sealed(const Page& page);

  const Cache& cache_;
  KvSide side_;
  std::size_t layer_, kv_head_;
  std::size_t cell_ = ~std::size_t{0};
  std::vector<float> rows_;  ///< [kPageTokens, size]
};

}  // namespace pith::kv
