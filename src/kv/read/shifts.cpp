#include "kv/read/shifts.h"

#include <algorithm>
#include <bit>

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

}  // namespace

std::vector<std::size_t> shifts_of(const HeadSlots& head, std::size_t tokens) {
  std::vector<std::size_t> shifts(head.cells());
  std::vector<Span> spans;
  if (head.exact_prefix != 0) {
    spans.push_back({kPrefixCell, kPageTokens - 1 - static_cast<std::size_t>(std::countl_zero(head.exact_prefix)),
                     static_cast<std::size_t>(std::popcount(head.exact_prefix))});
  }
  for (std::size_t i = 0; i < head.slots.size(); ++i) {
    const Slot& slot = head.slots[i];
    if (slot.live != 0) spans.push_back({cell_of_slot(i), last_of(slot), slot.held()});
  }
  std::sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.last > b.last; });
  // A cell moves as a whole, so tokens of other cells that lie between its own are counted as if they came after it.
  std::size_t held = tokens % kPageTokens;
  for (const Span& span : spans) {
    const std::size_t behind = tokens - 1 - span.last;
    shifts[span.cell] = behind - std::min(behind, held);
    held += span.held;
  }
  return shifts;
}

void LayerShifts::find(const Layer& layer, std::size_t trained, std::size_t tokens) {
  shifts_.clear();
  if (!layer.global() || tokens <= trained) return;
  std::size_t largest = 0;
  for (const Head& head : layer.heads()) {
    shifts_.push_back(shifts_of(head.slots, tokens));
    largest = std::max(largest, *std::max_element(shifts_.back().begin(), shifts_.back().end()));
  }
  if (largest == 0) shifts_.clear();
}

}  // namespace pith::kv
