#pragma once

#include <pith/ranks.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace pith::test {

/// Calls rank(ranks) on `count` threads, which are ranks of one process, and returns when all have ended. Rethrows what
/// the first of them throws that did not only hear of another one's end.
void on_ranks(std::size_t count, const std::function<void(const std::shared_ptr<Ranks>& ranks)>& rank);

}  // namespace pith::test
