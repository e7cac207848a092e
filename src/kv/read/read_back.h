#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kv/core/head.h"

namespace pith::kv {

/// Reads keys or values of one KV head back, as the cache represents them, in the basis that they were appended in. For
/// eviction, not for attention: it decodes whole pages. Used by one thread.
class HeldRows {
 public:
  HeldRows(const Head& head, KvSide side) : head_(head), side_(side), config_(head.layer().side(side)) {}

  /// Returns row `token` of a cell (slots.h), valid until another cell is read.
  std::span<const float> row(std::size_t cell, std::size_t token);

 private:
  void read(std::size_t cell);
  void read_exact(const std::byte* page, std::size_t tokens);
  void read_sealed(const Page& page);

  const Head& head_;
  KvSide side_;
  const SideConfig& config_;
  std::size_t cell_ = ~std::size_t{0};
  std::vector<float> rows_;  ///< [kPageTokens, size]
};

}  // namespace pith::kv
