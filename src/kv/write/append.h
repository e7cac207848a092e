#pragma once

#include <cstddef>

#include "base/thread_pool.h"
#include "kv/core/cache.h"
#include "kv/write/staging.h"

namespace pith::kv {

/// Rows of one batch of one layer: queries [tokens, heads * key_size], keys [tokens, kv_heads * key_size] and values
/// [tokens, kv_heads * value_size], `stride` floats from token to token.
struct NewTokens {
  const float* queries = nullptr;
  const float* keys = nullptr;
  const float* values = nullptr;
  std::size_t stride = 0;
  std::size_t tokens = 0;
  std::size_t position = 0;  ///< Of the first token.
  float scale = 1.0F;        ///< Multiplies the scores.
};

/// Writes the batch's keys and values into the staging pages, seals every page that became full, and encodes pages that
/// became old in their final form. Attention comes next, then finish_append().
void append(Cache& cache, Staging& staging, ThreadPool& pool, std::size_t layer, const NewTokens& batch);

/// Copies the unfinished page into the cache and drops what no later query of this layer can see.
void finish_append(Cache& cache, const Staging& staging, std::size_t layer, std::size_t tokens_total);

}  // namespace pith::kv
