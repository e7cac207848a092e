#include "session/marks.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "kv/evict/drop.h"
#include "kv/layout/layout.h"

namespace pith::session {

void Marks::add(Mark mark, const kv::Cache& cache, std::size_t bytes_max) {
  const std::size_t tokens = mark.tokens();
  auto made = std::make_shared<const Mark>(std::move(mark));
  std::erase_if(list_, [&](const Entry& entry) { return entry.mark->tokens() >= tokens; });
  list_.push_back({std::move(made), std::numeric_limits<std::size_t>::max()});
  while (list_.size() > kAlwaysKept && bytes(cache) > bytes_max)
    list_.erase(list_.begin() + static_cast<std::ptrdiff_t>(least_useful()));
}

/// Without a mark, what follows it up to the next one is computed again from the one before. How likely somebody goes
/// back to there falls with the distance from the end: conversations are edited near it.
std::size_t Marks::least_useful() const {
  const std::size_t position = list_.back().mark->tokens();
  std::size_t least = 0;
  double least_worth = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i + kAlwaysKept < list_.size(); ++i) {
    const std::size_t before = i == 0 ? 0 : list_[i - 1].mark->tokens();
    const std::size_t at = list_[i].mark->tokens();
    const std::size_t saved = at - before;
    const std::size_t reach = list_[i + 1].mark->tokens() - at;
    const std::size_t distance = position - at + kv::kPageTokens;
    const double worth = static_cast<double>(saved) * static_cast<double>(reach) / static_cast<double>(distance);
    if (worth >= least_worth) continue;
    least = i;
    least_worth = worth;
  }
  return least;
}

std::shared_ptr<const Mark> Marks::towards(std::size_t tokens, const kv::Cache& cache) const {
  const auto leads = [&](const Entry& entry) {
    const Mark& mark = *entry.mark;
    const std::size_t at = mark.tokens();
    // Right after append(), nobody knows the logits.
    const bool complete = mark.logits != nullptr || mark.altered.until == at;
    return at <= tokens && tokens <= entry.end && (at < tokens || complete) && mark.cache.restorable(cache);
  };
  const auto found = std::find_if(list_.rbegin(), list_.rend(), leads);
  return found == list_.rend() ? nullptr : found->mark;
}

void Marks::complete(const kv::Cache& cache) {
  for (Entry& entry : list_) {
    const Mark& mark = *entry.mark;
    entry.mark = std::make_shared<const Mark>(Mark{mark.cache.completed(cache), mark.logits, mark.altered});
  }
}

void Marks::end_at(std::size_t position) {
  for (Entry& entry : list_) entry.end = std::min(entry.end, position);
}

void Marks::drop(std::size_t first, std::size_t count, const kv::Cache& cache, ThreadPool& pool) {
  complete(cache);
  std::erase_if(
      list_, [&](const Entry& entry) { return entry.mark->tokens() > first && entry.mark->tokens() < first + count; });
  for (Entry& entry : list_) {
    const Mark& mark = *entry.mark;
    if (mark.tokens() <= first) {
      entry.end = std::min(entry.end, first);
      continue;
    }
    kv::Cache then = cache;
    mark.cache.restore(then);
    Altered altered = mark.altered;
    altered.take_out(count, mark.tokens() - count);
    kv::drop(then, pool, then.holes().position_of(first), then.holes().position_of(first + count));
    entry.mark = std::make_shared<const Mark>(Mark{kv::Checkpoint::of_all(then), mark.logits, altered});
  }
}

void Marks::forget_after(std::size_t tokens) {
  std::erase_if(list_, [&](const Entry& entry) { return entry.mark->tokens() > tokens; });
}

std::size_t Marks::bytes(const kv::Cache& cache) const {
  std::vector<const kv::Checkpoint*> checkpoints;
  checkpoints.reserve(list_.size());
  std::size_t bytes = 0;
  for (const Entry& entry : list_) {
    checkpoints.push_back(&entry.mark->cache);
    if (entry.mark->logits != nullptr) bytes += entry.mark->logits->size() * sizeof(float);
  }
  return checkpoints.empty() ? 0 : bytes + kv::bytes_beyond(cache, checkpoints);
}

std::vector<int> Marks::positions() const {
  std::vector<int> positions;
  positions.reserve(list_.size());
  for (const Entry& entry : list_) positions.push_back(static_cast<int>(entry.mark->tokens()));
  return positions;
}

}  // namespace pith::session
