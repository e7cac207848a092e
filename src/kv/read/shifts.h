#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kv/core/cache.h"
#include "kv/core/step.h"

namespace pith::kv {

/// By how many positions the tokens of each cell of a KV head move towards queries; below 0: away from them. All tokens
/// of a cell move alike. Queries are rotated instead of keys, which stay as they are stored.
using Shifts = std::vector<std::ptrdiff_t>;  // [cells]

/// Returns the shifts of one KV head after `tokens` tokens if what was evicted closes up.
Shifts shifts_over_evicted(const HeadSlots& head, std::size_t tokens);

/// Returns the shifts of a cache's own cells if its holes close up and what it borrows has room.
Shifts shifts_of_own(const HeadSlots& head, const Cache& cache);

/// Returns the shifts of the cells of the `number`-th borrowed cache, one of whose KV heads is `head`, open page
/// included.
Shifts shifts_of_borrowed(const HeadSlots& head, const Cache& cache, std::size_t number);

/// The shifts of a layer's own cells for one step.
///
/// Holes close up at once, and what is borrowed makes room at once. What policies evicted closes up for queries past
/// the model's trained length alone, so that distances are those among the tokens still held (StreamingLLM, Xiao et
/// al., arXiv 2309.17453, section 3.2).
class LayerShifts {
 public:
  /// Computes the shifts for a step whose full pages are sealed already. In a layer with a window nothing moves that
  /// was evicted.
  void find(const Layer& layer, const Step& step);
  /// Returns the shift of a cell for a query at `position`.
  std::ptrdiff_t of(std::size_t kv_head, std::size_t cell, std::size_t position) const {
    if (shifts_.empty() || position < first_position_) return 0;
    return shifts_[std::min(kv_head, shifts_.size() - 1)][cell];
  }

 private:
  std::size_t first_position_ = 0;  ///< Of queries that anything moves towards.
  std::vector<Shifts> shifts_;      ///< [kv_heads, or 1 if all are alike]; empty: nothing moves
};

}  // namespace pith::kv
