#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "kv/write/staging.h"

namespace pith::kv {

/// Seals the pages of a layer that a step completes from the staged pages.
void seal_complete(Layer& layer, const StagedPages& staged, ThreadPool& pool, const Step& step);

/// Encodes pages that the last query of the batch, or the next batch, sees as old in their final form. The batch made
/// `tokens_total` tokens of `tokens_before`.
void age(Layer& layer, ThreadPool& pool, KvSide side, std::size_t tokens_before, std::size_t tokens_total);

}  // namespace pith::kv
