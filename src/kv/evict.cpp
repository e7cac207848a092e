#include "kv/evict.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/fail.h"
#include "kv/read_back.h"

namespace pith::kv {
namespace {

/// Where a KV head holds a token: bit `token` of a cell (slots.h).
struct Place {
  std::size_t cell, token;
};

/// All tokens of a KV head at a decision, in ascending order of position; the arrays behind HeadView.
struct HeadTokens {
  std::size_t layer = 0, kv_head = 0;
  std::vector<std::int32_t> positions, pages;
  std::vector<Place> places;
  std::vector<float> scores;
  std::vector<std::uint8_t> kept;
  std::vector<float> candidate_scores;
};

/// Lists what a head holds. Tokens of the open page come last.
HeadTokens list_tokens(const Cache& cache, std::size_t layer, std::size_t kv_head) {
  const HeadSlots& head = cache.slots(layer, kv_head);
  struct Token {
    std::int32_t position, page;
    Place place;
  };
  std::vector<Token> tokens;
  const auto add = [&](std::size_t cell, TokenMask live, const std::vector<std::int32_t>& positions) {
    for (TokenMask left = live; left != 0; left &= left - 1) {
      const auto token = static_cast<std::size_t>(std::countr_zero(left));
      tokens.push_back({positions[token], static_cast<std::int32_t>(cell), {cell, token}});
    }
  };
  add(kPrefixCell, head.exact_prefix, positions_of(Slot{0, kAllTokens, {}}));
  for (std::size_t i = 0; i < head.slots.size(); ++i)
    add(cell_of_slot(i), head.slots[i].live, positions_of(head.slots[i]));
  const auto open_page = static_cast<std::int32_t>(cache.tokens() / kPageTokens);
  add(head.open_cell(), first_tokens(cache.tokens() % kPageTokens), positions_of(Slot{open_page, kAllTokens, {}}));
  std::sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.position < b.position; });
  HeadTokens list;
  list.layer = layer;
  list.kv_head = kv_head;
  for (const Token& token : tokens) {
    list.positions.push_back(token.position);
    list.pages.push_back(token.page);
    list.places.push_back(token.place);
  }
  return list;
}

/// One decision over all heads of a cache.
class Decision {
 public:
  Decision(Cache& cache, ThreadPool& pool, const Evictor& evictor)
      : cache_(cache), pool_(pool), evictor_(evictor), needs_(evictor.policy->needs()) {
    for (std::size_t layer = 0; layer < cache.shape().layers(); ++layer) {
      if (cache.shape().windows[layer] != 0) continue;
      for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) {
        heads_.emplace_back();
        heads_.back().layer = layer;
        heads_.back().kv_head = h;
        held_ += cache.held_tokens(layer, h);
      }
    }
  }

  bool run(std::size_t budget, Packing packing) {
    const std::size_t total = budget * heads_.size();
    if (held_ <= total) return false;
    pool_.run(heads_.size(), [&](std::size_t i) { score(heads_[i]); });
    std::size_t fixed = 0;
    std::vector<HeadScores> candidates;
    for (const HeadTokens& head : heads_) {
      fixed += head.positions.size() - head.candidate_scores.size();
      candidates.push_back({static_cast<int>(head.layer), static_cast<int>(head.kv_head), head.candidate_scores});
    }
    std::vector<std::size_t> budgets(heads_.size());
    evictor_.allocator->allocate(candidates, total - std::min(total, fixed), budgets);
    pool_.run(heads_.size(), [&](std::size_t i) { keep(heads_[i], budgets[i]); });
    for (std::size_t layer = 0; layer < cache_.shape().layers(); ++layer) {
      if (cache_.shape().windows[layer] == 0) pack(cache_, pool_, layer, packing);
    }
    return true;
  }

 private:
  HeadView view(const HeadTokens& head) const;
  void score(HeadTokens& head);
  void check_scores(const HeadTokens& head) const;
  void keep(HeadTokens& head, std::size_t budget);

  Cache& cache_;
  ThreadPool& pool_;
  const Evictor& evictor_;
  PolicyNeeds needs_;
  std::vector<HeadTokens> heads_;
  std::size_t held_ = 0;
};

HeadView Decision::view(const HeadTokens& head) const {
  const KvShape& shape = cache_.shape();
  HeadView view;
  view.layer = static_cast<int>(head.layer);
  view.kv_head = static_cast<int>(head.kv_head);
  view.layers = static_cast<int>(shape.layers());
  view.kv_heads = static_cast<int>(shape.kv_heads);
  view.position = static_cast<int>(cache_.tokens());
  view.positions = head.positions;
  view.pages = head.pages;
  view.key_size = shape.key_size;
  view.value_size = shape.value_size;
  view.scale = evictor_.scale;
  // Each head and decision gets a random stream of its own.
  view.seed = evictor_.seed + (cache_.tokens() * shape.layers() + head.layer) * shape.kv_heads + head.kv_head;
  return view;
}

void Decision::score(HeadTokens& head) {
  head = list_tokens(cache_, head.layer, head.kv_head);
  const std::size_t count = head.positions.size();
  HeadView view = this->view(head);
  std::vector<float> attention, keys, values;
  if (const Observer* observer = cache_.observers().find(needs_); observer != nullptr) {
    const std::vector<double>& gathered = observer->gathered(head.layer * cache_.shape().kv_heads + head.kv_head);
    for (const Place& place : head.places) {
      const std::size_t at = place.cell * kPageTokens + place.token;
      attention.push_back(at < gathered.size() ? static_cast<float>(gathered[at]) : 0.0F);
    }
    view.attention = attention;
  }
  const auto read = [&](KvSide side, std::vector<float>& rows) {
    HeldRows reader(cache_, side, head.layer, head.kv_head);
    for (const Place& place : head.places) {
      const std::span<const float> row = reader.row(place.cell, place.token);
      rows.insert(rows.end(), row.begin(), row.end());
    }
  };
  if (needs_.keys) read(KvSide::kKeys, keys);
  if (needs_.values) read(KvSide::kValues, values);
  view.keys = keys;
  view.values = values;
  const QueryMoments moments = cache_.query_sums().moments(head.layer, head.kv_head, cache_.rotary());
  if (needs_.query_statistics) view.queries = &moments.statistics;
  head.kept.assign(count, 0);
  const std::size_t open_page = cache_.tokens() / kPageTokens * kPageTokens;
  const std::size_t newest = std::min(open_page, cache_.tokens() - std::min(cache_.tokens(), evictor_.recent));
  for (std::size_t i = 0; i < count; ++i) {
    const auto position = static_cast<std::size_t>(head.positions[i]);
    head.kept[i] = position < evictor_.protected_first || position >= newest ? 1 : 0;
  }
  evictor_.policy->protect(view, head.kept);
  head.scores.assign(count, 0.0F);
  evictor_.policy->score(view, head.scores);
  check_scores(head);
  for (std::size_t i = 0; i < count; ++i) {
    if (head.kept[i] == 0) head.candidate_scores.push_back(head.scores[i]);
  }
}

/// Built-in selectors would take NaN for the lowest score, so that a policy's mistake would go unnoticed.
void Decision::check_scores(const HeadTokens& head) const {
  const auto bad = std::find_if_not(head.scores.begin(), head.scores.end(), [](float s) { return std::isfinite(s); });
  if (bad == head.scores.end()) return;
  fail(ErrorKind::kInvalidArgument,
       "eviction policy \"{}\": layer {}, KV head {}: the score of the token at position {} is {}, must be finite",
       evictor_.policy_name, head.layer, head.kv_head,
       head.positions[static_cast<std::size_t>(bad - head.scores.begin())], *bad);
}

void Decision::keep(HeadTokens& head, std::size_t budget) {
  evictor_.selector->select(view(head), head.scores, budget, head.kept);
  HeadSlots& slots = cache_.slots(head.layer, head.kv_head);
  for (std::size_t i = 0; i < head.places.size(); ++i) {
    if (head.kept[i] != 0) continue;
    const auto [cell, token] = head.places[i];
    (cell == kPrefixCell ? slots.exact_prefix : slots.slots[slot_of_cell(cell)].live) &= ~(TokenMask{1} << token);
  }
}

}  // namespace

bool evict(Cache& cache, ThreadPool& pool, const Evictor& evictor, std::size_t budget, Packing packing) {
  return Decision(cache, pool, evictor).run(budget, packing);
}

}  // namespace pith::kv
