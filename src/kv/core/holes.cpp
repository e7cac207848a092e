#include "kv/core/holes.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pith::kv {

Holes::Holes(std::vector<Hole> list) : list_(std::move(list)) {
  before_.reserve(list_.size() + 1);
  std::size_t before = 0;
  for (const Hole& hole : list_) {
    before_.push_back(before);
    before += hole.last - hole.first;
  }
  before_.push_back(before);
}

void Holes::add(std::size_t first, std::size_t last) {
  if (first >= last) return;
  Hole added = {first, last};
  std::vector<Hole> list;
  list.reserve(list_.size() + 1);
  for (const Hole& hole : list_) {
    if (hole.last < added.first) {
      list.push_back(hole);
    } else if (hole.first <= added.last) {
      added = {std::min(added.first, hole.first), std::max(added.last, hole.last)};
    }
  }
  list.push_back(added);
  std::copy_if(list_.begin(), list_.end(), std::back_inserter(list),
               [&](const Hole& hole) { return hole.first > added.last; });
  *this = Holes(std::move(list));
}

std::size_t Holes::first_after(std::size_t position) const {
  const auto ends_by = [](std::size_t at, const Hole& hole) { return at < hole.last; };
  return static_cast<std::size_t>(std::upper_bound(list_.begin(), list_.end(), position, ends_by) - list_.begin());
}

std::size_t Holes::missing_from(std::size_t position) const {
  const std::size_t hole = first_after(position);
  if (hole == list_.size()) return 0;
  return missing() - before_[hole] - (position - std::min(position, list_[hole].first));
}

TokenMask Holes::left_of(std::size_t page) const {
  const std::size_t start = page * kPageTokens;
  TokenMask left = kAllTokens;
  for (std::size_t i = first_after(start); i < list_.size() && list_[i].first < start + kPageTokens; ++i) {
    const std::size_t from = list_[i].first > start ? list_[i].first - start : 0;
    left &= ~(first_tokens(list_[i].last - start) & ~first_tokens(from));
  }
  return left;
}

std::size_t Holes::position_of(std::size_t tokens) const {
  std::size_t position = tokens;
  for (const Hole& hole : list_) {
    if (hole.first > position) break;
    position += hole.last - hole.first;
  }
  return position;
}

}  // namespace pith::kv
