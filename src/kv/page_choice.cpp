#include "kv/page_choice.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kv/chunk_view.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

/// How far from the middle of a page's range the queries are expected to find keys: 1 would be the bound, which no key
/// of 64 comes near in all channels at once. Measured: docs/sparse_reading.md.
constexpr float kReach = 0.25F;

/// Slots that are read whatever they hold: pages that the queries see as recent, and of a head without exact sinks the
/// page that has them.
bool always_read(const Cache& cache, std::size_t layer, const Slot& slot, std::size_t own_page) {
  if (slot.packed()) return false;
  const auto page = static_cast<std::size_t>(slot.page);
  const std::size_t recent = std::max(cache.keys(layer).recent_pages(), cache.values(layer).recent_pages());
  return own_page - page <= recent || (page == 0 && !cache.keeps_sinks(layer));
}

}  // namespace

void PageChoice::score(const Cache& cache, std::size_t layer, std::size_t kv_head, const float* queries) {
  const KvShape& shape = cache.shape();
  const KeyRanges& ranges = cache.key_ranges(layer, kv_head);
  const std::size_t group = shape.group();
  const std::size_t room = ranges.room();
  split_.resize(group * 2 * shape.key_size);
  reached_.resize(group * room);
  KeyRanges::split_queries(queries, group, shape.key_size, kReach, split_.data());
  ranges.reach(cache.kernels(), split_.data(), group, reached_.data(), room);

  const std::size_t length = (candidates_.size() + kLanes - 1) / kLanes * kLanes;
  shares_.assign(group * length, kUnseen);
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    for (std::size_t g = 0; g < group; ++g) {
      const float reached = reached_[g * room + candidates_[i].slot];
      if (std::isfinite(reached)) {
        shares_[g * length + i] = reached;
      } else {
        // Reading it says what is wrong with it.
        candidates_[i].score = std::numeric_limits<float>::infinity();
      }
    }
  }
  references_.assign(group, kUnseen);
  sums_.assign(group, 0.0F);
  cache.kernels().softmax_rows(
      {shares_.data(), length, group, length, nullptr, references_.data(), sums_.data(), nullptr, 0});
  for (std::size_t g = 0; g < group; ++g) {
    if (sums_[g] == 0.0F) continue;
    for (std::size_t i = 0; i < candidates_.size(); ++i) candidates_[i].score += shares_[g * length + i] / sums_[g];
  }
}

const std::vector<std::uint32_t>& PageChoice::choose(const Cache& cache, std::size_t layer, std::size_t kv_head,
                                                     const float* queries, std::size_t slots, std::size_t own_page) {
  const HeadSlots& head = cache.slots(layer, kv_head);
  candidates_.clear();
  chosen_.clear();
  std::size_t held = 1;
  for (std::size_t i = 0; i < slots; ++i) {
    const Slot& slot = head.slots[i];
    if (slot.live == 0) continue;
    ++held;
    if (always_read(cache, layer, slot, own_page)) {
      chosen_.push_back(static_cast<std::uint32_t>(i));
    } else {
      candidates_.push_back({0.0F, static_cast<std::uint32_t>(i)});
    }
  }
  const std::size_t budget = cache.sparse().pages(held);
  const std::size_t room = budget - std::min(budget, chosen_.size() + 1);
  if (room < candidates_.size()) {
    score(cache, layer, kv_head, queries);
    std::nth_element(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(room), candidates_.end(),
                     [](const Candidate& a, const Candidate& b) {
                       return a.score != b.score ? a.score > b.score : a.slot < b.slot;
                     });
    candidates_.resize(room);
  }
  for (const Candidate& candidate : candidates_) chosen_.push_back(candidate.slot);
  std::sort(chosen_.begin(), chosen_.end());
  return chosen_;
}

}  // namespace pith::kv
