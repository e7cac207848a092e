#include "kv/read/page_choice.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kv/read/chunk_view.h"

namespace pith::kv {
namespace {

/// How far from the middle of a page's range keys are expected: 1 would be the bound, which none of 64 keys comes near
/// in all channels at once. Measured: docs/sparse_reading.md.
constexpr float kReach = 0.25F;

bool all_finite(const float* x, std::size_t count) {
  bool finite = true;
  for (std::size_t i = 0; i < count; ++i) finite &= std::abs(x[i]) <= std::numeric_limits<float>::max();
  return finite;
}

constexpr std::uint64_t kSlotMask = 0xFFFFFFFF;

/// Returns a key that sorts slots of larger scores first, then older ones; its low half is the slot. Integers, because
/// comparing them needs no branches. Scores are not negative, so their bits ascend with them.
std::uint64_t order_of(float score, std::uint64_t slot) {
  return (std::uint64_t{~std::bit_cast<std::uint32_t>(score)} << 32) | slot;
}

}  // namespace

void PageChoice::score(const Head& head, const float* queries) {
  const LayerShape& shape = head.layer().shape;
  const kernels::KernelTable& kernels = *head.layer().kernels;
  const KeyRanges& ranges = head.ranges;
  const std::size_t group = shape.group();
  const std::size_t room = ranges.room();
  split_.resize(group * 2 * shape.key_size);
  reached_.resize(group * room);
  KeyRanges::split_queries(queries, group, shape.key_size, kReach, split_.data());
  ranges.reach(kernels, split_.data(), group, reached_.data(), room);

  scores_.assign(room, 0.0F);
  outside_.resize(room, kUnseen);
  for (std::size_t g = 0; g < group; ++g) {
    float* reached = &reached_[g * room];
    // A score that is not finite would spoil the softmax. Such a page is read, so that attention shows the problem.
    if (!all_finite(reached, room)) {
      for (std::size_t slot = 0; slot < room; ++slot) {
        if (std::isfinite(reached[slot])) continue;
        reached[slot] = 0.0F;
        scores_[slot] = std::numeric_limits<float>::infinity();
      }
    }
    for (std::size_t slot = 0; slot < room; ++slot) reached[slot] += outside_[slot];
  }
  references_.assign(group, kUnseen);
  sums_.assign(group, 0.0F);
  kernels.softmax_rows({reached_.data(), room, group, room, nullptr, references_.data(), sums_.data(), nullptr, 0});
  for (std::size_t g = 0; g < group; ++g) {
    if (sums_[g] == 0.0F) continue;
    const float scale = 1.0F / sums_[g];
    const float* shares = &reached_[g * room];
    for (std::size_t slot = 0; slot < room; ++slot) scores_[slot] += shares[slot] * scale;
  }
}

std::size_t PageChoice::list(const Head& head, std::size_t slots, std::size_t own_page) {
  const LayerConfig& layer = head.layer();
  const std::size_t recent = std::max(layer.keys().recent_pages(), layer.values().recent_pages());
  const bool prefix_apart = layer.keeps_exact_prefix();
  candidates_.clear();
  read_.assign(slots, 0);
  outside_.assign(slots, kUnseen);
  std::size_t always = 0;
  for (std::size_t i = 0; i < slots; ++i) {
    const Slot& slot = head.slots.slots[i];
    if (slot.live == 0) continue;
    const auto page = static_cast<std::size_t>(slot.page);
    if (!slot.packed() && (own_page - page <= recent || (page == 0 && !prefix_apart))) {
      read_[i] = 1;
      ++always;
    } else {
      outside_[i] = 0.0F;
      candidates_.push_back(i);
    }
  }
  return always;
}

const std::vector<std::uint32_t>& PageChoice::choose(const SparseReading& sparse, const Head& head,
                                                     const float* queries, std::size_t slots, std::size_t own_page) {
  // The open page is always read and counts as well.
  const std::size_t always = list(head, slots, own_page) + 1;
  const std::size_t budget = sparse.pages(always + candidates_.size());
  const std::size_t wanted = budget - std::min(budget, always);
  if (wanted < candidates_.size()) {
    score(head, queries);
    for (std::uint64_t& candidate : candidates_) candidate = order_of(scores_[candidate], candidate);
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(wanted), candidates_.end());
    candidates_.resize(wanted);
  }
  for (const std::uint64_t candidate : candidates_) read_[candidate & kSlotMask] = 1;
  chosen_.clear();
  for (std::size_t i = 0; i < slots; ++i) {
    if (read_[i] != 0) chosen_.push_back(static_cast<std::uint32_t>(i));
  }
  return chosen_;
}

}  // namespace pith::kv
