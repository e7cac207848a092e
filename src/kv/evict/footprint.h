#pragma once

#include <cstddef>

#include "kv/core/cache.h"

namespace pith::kv {

// What a cache holds and will hold, as far as eviction has to know: decisions are made for the heads of global layers.

/// Returns the tokens that those heads hold together.
std::size_t total_held(const Cache& cache);

/// Returns the tokens that each of them holds on average, rounded up; without such heads, the tokens of the cache.
std::size_t held_tokens(const Cache& cache);

/// Returns an upper bound of the bytes that `tokens` further tokens, whole pages, add to the cache.
std::size_t growth_bytes(const Cache& cache, std::size_t tokens);

/// Returns the bytes of a token in all of those heads, in its final form; at least 1.
std::size_t bytes_per_token(const Cache& cache);

}  // namespace pith::kv
