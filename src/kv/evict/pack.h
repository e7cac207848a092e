#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "kv/core/cache.h"

namespace pith::kv {

/// Which pages are packed.
enum class Packing {
  /// None: only pages that are empty are freed.
  kEmpty,
  /// Pages with holes, once holes are an eighth of the room of a KV head's old pages, so that the tokens moved stay in
  /// proportion to those evicted.
  kLazy,
  /// Every page with a hole.
  kFull,
};

/// Copies the tokens of old pages with holes, as they are stored, into as few pages as they fill, and frees the pages
/// that are empty then. Which tokens are held, and all their bits, stay the same. Where a codec's tokens cannot be
/// moved (Codec::movable()), a page is freed only once all its tokens are gone.
void pack(Cache& cache, Layer& layer, ThreadPool& pool, Packing packing);

}  // namespace pith::kv
