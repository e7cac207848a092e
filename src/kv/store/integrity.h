#pragma once

#include "base/thread_pool.h"
#include "kv/core/cache.h"

namespace pith::kv {

/// Compares all sealed pages of a cache with their checksums, if it keeps any (PageKeeping::checksums). Throws
/// Error(kIntegrity) naming the first that has changed.
void verify_pages(const Cache& cache);
/// Does the same, spread over threads.
void verify_pages(const Cache& cache, ThreadPool& pool);

/// Compares one page before it is read back: slot `slot` of a KV head. Throws Error(kIntegrity).
void verify_page(const PageBytes& page, KvSide side, const Head& head, std::size_t slot);

/// Returns false instead of throwing.
bool pages_intact(const Cache& cache, ThreadPool& pool);

}  // namespace pith::kv
