#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "kv/cache.h"

namespace pith::kv {

/// How much is packed.
enum class Packing {
  /// Pages with holes, once holes are an eighth of what a KV head's old pages hold: what is moved stays in proportion
  /// to
  /// what was evicted.
  kLazy,
  /// Every page with a hole.
  kFull,
};

/// Moves the tokens of old pages with holes together, as they are stored, into as few pages as they fill, and returns
/// the memory of pages that nothing is left of. What is held, and every bit of it, stays the same. Where a codec's
/// tokens cannot be moved, only whole pages come free.
void pack(Cache& cache, ThreadPool& pool, std::size_t layer, Packing packing);

}  // namespace pith::kv
