#pragma once

#include <cstddef>

#include "kv/core/cache.h"

namespace pith::kv {

// Taking tokens back. A page that was sealed or became old since then cannot be restored; the session computes what is
// missing again.

/// Returns whether rewind() to `tokens` is possible: whether those of these tokens that can be seen and that later
/// tokens change are held as they were before; with states, none but all. What was taken out or evicted before they
/// came stays away.
bool can_rewind(const Cache& cache, std::size_t tokens);
/// Drops all tokens from `tokens` on, a multiple of kPageTokens.
void rewind(Cache& cache, std::size_t tokens);
/// Drops open tokens: all from `tokens` on, which lies in the open page or at its start.
void forget_open(Cache& cache, std::size_t tokens);

}  // namespace pith::kv
