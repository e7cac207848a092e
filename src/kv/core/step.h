#pragma once

#include <cstddef>
#include <span>

#include "kv/core/cache.h"

namespace pith::kv {

/// What one sequence adds to a pass: the pass's rows [row, row + tokens) are its next tokens, at positions from
/// `position` on. The steps of a pass have caches of their own, of the same model.
struct Step {
  Cache* cache = nullptr;
  std::size_t row = 0;
  std::size_t tokens = 0;
  std::size_t position = 0;  ///< Of the first token.
  /// True: a single token, which reads only as many pages as SparseReading says.
  bool sparse = false;

  std::size_t end() const { return position + tokens; }
};

/// Returns whether what is done once by row, little each time, is worth waking threads for.
inline bool worth_threads(std::span<const Step> steps) { return steps.back().row + steps.back().tokens > 4; }

}  // namespace pith::kv
