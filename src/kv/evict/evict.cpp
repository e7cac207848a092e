#include "kv/evict/evict.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "base/fail.h"
#include "kv/read/read_back.h"

namespace pith::kv {
namespace {

/// Where a KV head holds a token: bit `token` of a cell (slots.h).
struct Place {
  std::size_t cell, token;
};

/// All tokens of a KV head at a decision, in ascending order of position; the arrays behind HeadView.
struct HeadTokens {
  Head* head = nullptr;
  std::vector<std::int32_t> positions, pages;
  std::vector<Place> places;
  std::vector<float> scores;
  std::vector<std::uint8_t> kept;
  std::vector<float> candidate_scores;
};

int layer_of(const HeadTokens& tokens) { return static_cast<int>(tokens.head->layer().number); }
int kv_head_of(const HeadTokens& tokens) { return static_cast<int>(tokens.head->number()); }

/// Lists what a head holds. Tokens of the open page come last.
HeadTokens list_tokens(Head& of, std::size_t tokens_total) {
  const HeadSlots& head = of.slots;
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
  const auto open_page = static_cast<std::int32_t>(tokens_total / kPageTokens);
  add(head.open_cell(), first_tokens(tokens_total % kPageTokens), positions_of(Slot{open_page, kAllTokens, {}}));
  std::sort(tokens.begin(), tokens.end(), [](const Token& a, const Token& b) { return a.position < b.position; });
  HeadTokens list;
  list.head = &of;
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
      : cache_(cache),
        pool_(pool),
        evictor_(evictor),
        needs_(evictor.policy->needs()),
        cache_heads_(cache.heads().size()) {
    for (Head* head : cache.global_heads()) {
      heads_.emplace_back().head = head;
      held_ += head->held_tokens(cache.tokens());
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
      candidates.push_back({layer_of(head), kv_head_of(head), head.candidate_scores});
    }
    std::vector<std::size_t> budgets(heads_.size());
    evictor_.allocator->allocate(candidates, total - std::min(total, fixed), budgets);
    pool_.run(heads_.size(), [&](std::size_t i) { keep(heads_[i], budgets[i]); });
    for (Layer& layer : cache_.layers()) {
      if (layer.global()) pack(cache_, layer, pool_, packing);
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
  std::size_t cache_heads_;  ///< Of all layers
};

HeadView Decision::view(const HeadTokens& head) const {
  const LayerShape& shape = head.head->layer().shape;
  HeadView view;
  view.layer = layer_of(head);
  view.kv_head = kv_head_of(head);
  view.layers = static_cast<int>(cache_.layers().size());
  view.kv_heads = static_cast<int>(shape.kv_heads);
  view.position = static_cast<int>(cache_.tokens());
  view.positions = head.positions;
  view.pages = head.pages;
  view.key_size = shape.key_size;
  view.value_size = shape.value_size;
  view.scale = evictor_.scale;
  // Each head and decision gets a random stream of its own.
  view.seed = evictor_.seed + cache_.tokens() * cache_heads_ + head.head->index();
  return view;
}

void Decision::score(HeadTokens& head) {
  head = list_tokens(*head.head, cache_.tokens());
  const std::size_t count = head.positions.size();
  HeadView view = this->view(head);
  std::vector<float> attention, keys, values;
  if (const Observer* observer = cache_.observers().find(needs_); observer != nullptr) {
    const std::vector<double>& gathered = observer->gathered(head.head->index());
    for (const Place& place : head.places) {
      const std::size_t at = place.cell * kPageTokens + place.token;
      attention.push_back(at < gathered.size() ? static_cast<float>(gathered[at]) : 0.0F);
    }
    view.attention = attention;
  }
  const auto read = [&](KvSide side, std::vector<float>& rows) {
    HeldRows reader(*head.head, side);
    for (const Place& place : head.places) {
      const std::span<const float> row = reader.row(place.cell, place.token);
      rows.insert(rows.end(), row.begin(), row.end());
    }
  };
  if (needs_.keys) read(KvSide::kKeys, keys);
  if (needs_.values) read(KvSide::kValues, values);
  view.keys = keys;
  view.values = values;
  const QueryMoments moments = head.head->query_sums.moments(head.head->layer().rotary);
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
       evictor_.policy_name, layer_of(head), kv_head_of(head),
       head.positions[static_cast<std::size_t>(bad - head.scores.begin())], *bad);
}

void Decision::keep(HeadTokens& head, std::size_t budget) {
  evictor_.selector->select(view(head), head.scores, budget, head.kept);
  HeadSlots& slots = head.head->slots;
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
