#include "tokenizer/text_index.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "tokenizer/probe.h"

namespace pith::tokenizer {

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
  return probe(std::hash<std::string_view>{}(wanted), slots_.size(),
               [&](std::size_t slot) { return slots_[slot] < 0 || text(slots_[slot]) == wanted; });
}

}  // namespace pith::tokenizer
