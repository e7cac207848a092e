#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "kv/core/cache.h"

namespace pith::kv {

/// Takes the tokens at positions [first, last) out of all layers, windows included. What is left stays as it is stored,
/// at its positions; later queries see it closed up (Holes). Old pages that are empty then are freed. No page may be
/// packed: tokens of both sides of a hole must not share a page.
void drop(Cache& cache, ThreadPool& pool, std::size_t first, std::size_t last);

}  // namespace pith::kv
