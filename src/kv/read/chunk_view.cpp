#include "kv/read/chunk_view.h"

#include <algorithm>
#include <bit>

namespace pith::kv {
namespace {

PageView view(const SideConfig& config, const Codec& old, const Slot& slot, const Page& page, std::size_t own_page) {
  if (!slot.packed() && own_page - static_cast<std::size_t>(slot.page) <= config.recent_pages())
    return {config.recent(), page.recent->data(), nullptr};
  return {&old, page.old->data(), page.origins.get()};
}

}  // namespace

void PageView::prefetch() const {
  constexpr std::size_t kCacheLine = 64;
  constexpr int kIntoSecondLevel = 2;
  const std::size_t size = codec->page_bytes();
  for (std::size_t i = 0; i < size; i += kCacheLine) __builtin_prefetch(bytes + i, 0, kIntoSecondLevel);
}

ChunkView::ChunkView(const Head& head, const QueryBlock& block)
    : kernels(head.layer().kernels),
      key_side_(head.layer().keys()),
      value_side_(head.layer().values()),
      old_keys_(head.old_codec(KvSide::kKeys)),
      block_(block) {}

PageView ChunkView::keys(const Slot& slot, const Page& page, std::size_t own_page) const {
  return view(key_side_, old_keys_, slot, page, own_page);
}

PageView ChunkView::values(const Slot& slot, const Page& page, std::size_t own_page) const {
  return view(value_side_, value_side_.codec(), slot, page, own_page);
}

bool ChunkView::before_window(const Slot& slot) const {
  if (block_.window == 0 || slot.packed()) return false;
  return (static_cast<std::size_t>(slot.page) + 1) * kPageTokens <= first_visible(block_.position, block_.window);
}

kernels::TokenRange ChunkView::seen_by(std::size_t position, const TokensView& tokens) const {
  const std::size_t lowest = first_visible(position, block_.window);
  const std::size_t begin = lowest > tokens.start ? lowest - tokens.start : 0;
  const std::size_t end = position + 1 > tokens.start ? position + 1 - tokens.start : 0;
  return {std::min(begin, tokens.count), std::min(end, tokens.count)};
}

kernels::SoftmaxStep ChunkView::step(const TokensView& tokens) const {
  kernels::SoftmaxStep step = {scores,          kPageTokens, rows.rows, tokens.count, nullptr,
                               rows.references, rows.sums,   rows.out,  rows.size};
  const TokenMask wanted = tokens.live & first_tokens(tokens.count);
  const auto alive_from = static_cast<std::size_t>(std::countr_zero(wanted));
  const auto alive_to = kPageTokens - static_cast<std::size_t>(std::countl_zero(wanted));
  const kernels::TokenRange first = seen_by(block_.position, tokens);
  const kernels::TokenRange last = seen_by(block_.position + block_.tokens - 1, tokens);
  if (alive_from != 0 || alive_to != tokens.count || last.begin != 0 || first.end != tokens.count) {
    for (std::size_t r = 0; r < rows.rows; ++r) {
      const kernels::TokenRange seen = seen_by(block_.position + r / block_.group, tokens);
      const std::size_t begin = std::max(seen.begin, alive_from);
      ranges[r] = {begin, std::max(begin, std::min(seen.end, alive_to))};
    }
    step.ranges = ranges;
  }
  // Evicted tokens between held ones.
  const TokenMask between = first_tokens(alive_to) & ~first_tokens(alive_from);
  for (TokenMask dead = between & ~wanted; dead != 0; dead &= dead - 1) {
    float* score = scores + std::countr_zero(dead);
    for (std::size_t r = 0; r < rows.rows; ++r) score[r * kPageTokens] = kUnseen;
  }
  if (observed != nullptr) observe(step, tokens);
  return step;
}

void ChunkView::observe(const kernels::SoftmaxStep& step, const TokensView& tokens) const {
  float* to = observed + tokens.cell * rows.rows * kPageTokens;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    const kernels::TokenRange range = step.ranges == nullptr ? kernels::TokenRange{0, tokens.count} : ranges[r];
    const float* from = scores + r * kPageTokens;
    if (range.end > range.begin) std::copy(from + range.begin, from + range.end, to + r * kPageTokens + range.begin);
  }
}

void ChunkView::attend_exact(const float* queries, const TokensView& tokens, const std::byte* keys,
                             const std::byte* values, std::size_t page_tokens) const {
  key_side_.exact().score_tokens(queries, rows.rows, {keys, page_tokens, tokens.count}, scores);
  cap_scores();
  value_side_.exact().accumulate_tokens(step(tokens), {values, page_tokens, tokens.count});
}

}  // namespace pith::kv
