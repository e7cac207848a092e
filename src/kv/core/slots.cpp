#include "kv/core/slots.h"

#include <numeric>

namespace pith::kv {

std::vector<std::int32_t> positions_of(const Slot& slot) {
  if (slot.packed()) return slot.positions->list();
  std::vector<std::int32_t> positions(kPageTokens);
  std::iota(positions.begin(), positions.end(), slot.page * static_cast<std::int32_t>(kPageTokens));
  return positions;
}

}  // namespace pith::kv
