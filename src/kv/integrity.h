#pragma once

#include "base/thread_pool.h"
#include "kv/cache.h"

namespace pith::kv {

/// Compares the sealed pages of a cache with their checksums, if it keeps any (Cache::keep_checksums()). Throws
/// Error(kIntegrity) naming the first that has changed.
void verify_pages(const Cache& cache);
/// The same, spread over threads.
void verify_pages(const Cache& cache, ThreadPool& pool);

/// Of a page that is read back: page `slot` of a KV head.
void verify_page(const PageBytes& page, KvSide side, std::size_t layer, std::size_t kv_head, std::size_t slot);

/// Instead of throwing.
bool pages_intact(const Cache& cache, ThreadPool& pool);

}  // namespace pith::kv
