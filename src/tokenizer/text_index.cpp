#include "tokenizer/text_index.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace pith::tokenizer {
namespace {

/// The table is at most half full: of a million texts the one that is furthest away is so by about a hundred.
constexpr std::size_t kProbesMax = 1024;

}  // namespace

TextIndex::TextIndex(const std::vector<std::string_view>& texts) {
  std::size_t bytes = 0;
  for (const std::string_view text : texts) bytes += text.size();
  characters_.reserve(bytes);
  starts_.reserve(texts.size() + 1);
  starts_.push_back(0);
  for (const std::string_view text : texts) {
    characters_.append(text);
    starts_.push_back(characters_.size());
    longest_ = std::max(longest_, text.size());
  }
  slots_.assign(std::bit_ceil(2 * texts.size() + 1), -1);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].empty()) continue;
    const auto slot = slot_of(texts[i]);
    whole_ = slot.has_value();
    if (!whole_) return;
    slots_[*slot] = static_cast<Token>(i);
  }
}

Token TextIndex::find(std::string_view text) const noexcept {
  if (text.empty() || text.size() > longest_) return -1;
  const auto slot = slot_of(text);
  return slot ? slots_[*slot] : -1;
}

std::optional<std::size_t> TextIndex::slot_of(std::string_view wanted) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(wanted)&mask;
  for (std::size_t probes = 0; probes < kProbesMax; ++probes, slot = (slot + 1) & mask) {
    if (slots_[slot] < 0 || text(slots_[slot]) == wanted) return slot;
  }
  return std::nullopt;
}

}  // namespace pith::tokenizer
