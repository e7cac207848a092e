#pragma once

#include <pith/model.h>

#include <cstddef>
#include <span>

#include "base/thread_pool.h"
#include "kv/core/cache.h"

namespace pith::session {

/// KVzip (Kim et al., arXiv 2505.23416, section 3): the model is asked to repeat its context, and what the context's
/// keys get from there tells what is needed to say it again. The context is fed after the question part by part, each
/// to a fork of the cache, and the observer that is returned holds each token's largest probability. A cell's tokens
/// are those of the cache. Unlike there, a part's keys compete with those of the whole context.
kv::Observer reconstruct(const Model& model, const kv::Cache& cache, ThreadPool& pool, std::span<const Token> context,
                         const PolicyNeeds& needs, std::size_t batch_tokens);

}  // namespace pith::session
