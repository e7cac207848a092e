#include "kv/read/shifts.h"

#include <algorithm>
#include <bit>

#include "kv/read/attend_block.h"

namespace pith::kv {
namespace {

/// A cell that holds tokens: the position of the last one, and how many there are.
struct Span {
  std::size_t cell, last, held;
};

std::size_t last_of(const Slot& slot) {
  const auto top = kPageTokens - 1 - static_cast<std::size_t>(std::countl_zero(slot.live));
  if (!slot.packed()) return static_cast<std::size_t>(slot.page) * kPageTokens + top;
  return static_cast<std::size_t>(slot.positions->list()[top]);
}

/// Lists the cells that hold sealed tokens.
std::vector<Span> spans_of(const HeadSlots& head) {
  std::vector<Span> spans;
  if (head.exact_prefix != 0) {
    spans.push_back({kPrefixCell, kPageTokens - 1 - static_cast<std::size_t>(std::countl_zero(head.exact_prefix)),
                     static_cast<std::size_t>(std::popcount(head.exact_prefix))});
  }
  for (std::size_t i = 0; i < head.slots.size(); ++i) {
    const Slot& slot = head.slots[i];
    if (slot.live != 0) spans.push_back({cell_of_slot(i), last_of(slot), slot.held()});
  }
  return spans;
}

}  // namespace

Shifts shifts_over_evicted(const HeadSlots& head, std::size_t tokens) {
  Shifts shifts(head.cells());
  std::vector<Span> spans = spans_of(head);
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.last > b.last; });
  // A cell moves as a whole, so tokens of other cells that lie between its own are counted as if they came after it.
  std::size_t held = tokens % kPageTokens;
  for (const Span& span : spans) {
    const std::size_t behind = tokens - 1 - span.last;
    shifts[span.cell] = static_cast<std::ptrdiff_t>(behind - std::min(behind, held));
    held += span.held;
  }
  return shifts;
}

Shifts shifts_of_own(const HeadSlots& head, const Cache& cache) {
  Shifts shifts(head.cells());
  for (const Span& span : spans_of(head)) {
    std::ptrdiff_t& shift = shifts[span.cell];
    shift = static_cast<std::ptrdiff_t>(cache.holes().missing_from(span.last));
    for (const Borrowed& other : cache.borrowed()) {
      if (other.position > span.last) shift -= static_cast<std::ptrdiff_t>(other.cache->length());
    }
  }
  return shifts;
}

Shifts shifts_of_borrowed(const HeadSlots& head, const Cache& cache, std::size_t number) {
  const Borrowed& borrowed = cache.borrowed()[number];
  // Its first token is so many positions nearer to queries than its position says.
  auto moved = static_cast<std::ptrdiff_t>(borrowed.position + cache.holes().missing_from(borrowed.position)) -
               static_cast<std::ptrdiff_t>(borrowed.cache->tokens());
  for (std::size_t later = number + 1; later < cache.borrowed().size(); ++later)
    moved -= static_cast<std::ptrdiff_t>(cache.borrowed()[later].cache->length());
  Shifts shifts(head.cells(), moved);
  for (const Span& span : spans_of(head))
    shifts[span.cell] += static_cast<std::ptrdiff_t>(borrowed.cache->holes().missing_from(span.last));
  return shifts;
}

void LayerShifts::find(const Layer& layer, const Step& step) {
  shifts_.clear();
  const Cache& cache = *step.cache;
  const std::size_t trained = cache.options().trained;
  const bool appended_only = cache.holes().empty() && cache.borrowed().empty();
  if (layer.config().rotary.frequencies.empty()) return;
  if (appended_only && (!layer.global() || step.end() <= trained)) return;
  // Blocks of queries begin and end at multiples of kBlockTokens, so a block lies past the limit as a whole.
  first_position_ = appended_only ? (trained + kBlockTokens - 1) / kBlockTokens * kBlockTokens : 0;
  if (appended_only) {
    for (const Head& head : layer.heads()) shifts_.push_back(shifts_over_evicted(head.slots, step.end()));
  } else {
    shifts_.push_back(shifts_of_own(layer.head(0).slots, cache));
  }
  const auto moves = [](const Shifts& cells) {
    return std::any_of(cells.begin(), cells.end(), [](std::ptrdiff_t shift) { return shift != 0; });
  };
  if (std::none_of(shifts_.begin(), shifts_.end(), moves)) shifts_.clear();
}

}  // namespace pith::kv
