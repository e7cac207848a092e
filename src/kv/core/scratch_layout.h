#pragma once

#include <cstddef>

#include "kv/core/cache.h"

namespace pith::kv {

/// What the sizes of Staging and Attention depend on besides the tokens of a pass and the number of workers: the
/// largest of every layer. Caches of one model that have the same layout can use each other's scratch memory, one after
/// another.
struct ScratchLayout {
  explicit ScratchLayout(const Cache& cache);

  bool operator==(const ScratchLayout&) const = default;
  /// Returns a layout that serves the caches of both.
  ScratchLayout joined(const ScratchLayout& other) const;

  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t group = 0;  ///< Query heads per KV head.
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  std::size_t key_page_bytes = 0;  ///< Of exact pages, which the staging area holds.
  std::size_t value_page_bytes = 0;
  bool keys_rotated = false;
  bool split_queries = false;
};

}  // namespace pith::kv
