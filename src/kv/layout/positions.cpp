#include "kv/layout/positions.h"

namespace pith::kv {
namespace {

constexpr std::uint32_t kLowBits = 127;
constexpr std::uint32_t kMore = 128;
constexpr unsigned kBitsAByte = 7;

}  // namespace

Positions::Positions(std::span<const std::int32_t> rising) : count_(rising.size()) {
  std::uint32_t before = 0;
  for (const std::int32_t position : rising) {
    std::uint32_t gap = static_cast<std::uint32_t>(position) - before;
    before = static_cast<std::uint32_t>(position);
    for (; gap > kLowBits; gap >>= kBitsAByte) gaps_.push_back(static_cast<std::uint8_t>(gap % kMore + kMore));
    gaps_.push_back(static_cast<std::uint8_t>(gap));
  }
  gaps_.shrink_to_fit();
}

std::vector<std::int32_t> Positions::list() const {
  std::vector<std::int32_t> positions;
  positions.reserve(count_);
  std::uint32_t position = 0;
  std::uint32_t gap = 0;
  unsigned shift = 0;
  for (const std::uint8_t byte : gaps_) {
    gap |= (byte & kLowBits) << shift;
    shift += kBitsAByte;
    if (byte >= kMore) continue;
    position += gap;
    positions.push_back(static_cast<std::int32_t>(position));
    gap = 0;
    shift = 0;
  }
  return positions;
}

}  // namespace pith::kv
