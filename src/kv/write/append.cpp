#include "kv/write/append.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kv/write/seal_pages.h"

namespace pith::kv {
namespace {

/// One step, and where its rows begin.
struct NewTokens {
  NewTokens(const Step& s, const ProjectedRows& rows)
      : step(s),
        queries(rows.queries + s.row * rows.stride),
        keys(rows.keys + s.row * rows.stride),
        values(rows.values + s.row * rows.stride),
        stride(rows.stride),
        scale(rows.scale) {}

  const Step& step;
  const float *queries, *keys, *values;
  std::size_t stride;
  float scale;
};

/// Exact pages hold keys unrotated and values in the rotated basis, so that sums over exact and sealed pages add up.
void write_token(const Head& head, const StagedPages& staged, const NewTokens& batch, std::size_t token) {
  const LayerConfig& layer = head.layer();
  const std::size_t position = batch.step.position + token;
  const std::size_t page = position / kPageTokens;
  const std::size_t in_page = position % kPageTokens;
  const std::size_t h = head.number();
  const float* key = batch.keys + token * batch.stride + h * layer.shape.key_size;
  layer.keys().exact().put_row(key, kPageTokens, in_page, staged.page(KvSide::kKeys, h, page));
  const float* value = batch.values + token * batch.stride + h * layer.shape.value_size;
  if (const HadamardRotation* rotation = layer.values().rotation(); rotation != nullptr) {
    float* rotated = staged.row(h, page);
    std::copy_n(value, layer.shape.value_size, rotated);
    rotation->apply(*layer.kernels, rotated);
    value = rotated;
  }
  layer.values().exact().put_row(value, kPageTokens, in_page, staged.page(KvSide::kValues, h, page));
}

/// Fills a staged page with the head's open page, or with zeros if there is none.
void begin_page(const Head& head, const StagedPages& staged, std::size_t page, bool continued) {
  for (const KvSide side : kSides) {
    std::byte* memory = staged.page(side, head.number(), page);
    const std::size_t bytes = head.layer().side(side).exact().page_bytes();
    if (continued) {
      std::memcpy(memory, head.pages(side).open->data(), bytes);
    } else {
      std::memset(memory, 0, bytes);
    }
  }
}

/// Writes the step's tokens of one page.
void write_page(const Head& head, const StagedPages& staged, const NewTokens& batch, std::size_t page) {
  const Step& step = batch.step;
  const std::size_t start = page * kPageTokens;
  if (!staged.in_place()) begin_page(head, staged, page, step.position > start);
  const std::size_t from = std::max(start, step.position);
  const std::size_t to = std::min(start + kPageTokens, step.end());
  for (std::size_t position = from; position < to; ++position)
    write_token(head, staged, batch, position - step.position);
}

/// Feeds the keys' basis: with the queries of page 0, and when that is full, with its keys.
void observe(Head& head, const StagedPages& staged, const NewTokens& batch) {
  const Step& step = batch.step;
  const LayerShape& shape = head.layer().shape;
  const std::size_t end = std::min(step.end(), kPageTokens);
  for (std::size_t position = std::max(step.position, kExactPrefixTokens); position < end; ++position) {
    const float* query = batch.queries + (position - step.position) * batch.stride;
    for (std::size_t g = 0; g < shape.group(); ++g)
      head.basis.observe(query + (head.number() * shape.group() + g) * shape.key_size);
  }
  if (end < kPageTokens || step.position >= kPageTokens) return;
  std::vector<float> rows(kPageTokens * shape.key_size);
  const std::byte* page = staged.page(KvSide::kKeys, head.number(), 0);
  head.layer().keys().exact().get_rows(page, kPageTokens, kPageTokens, rows.data());
  const float noise = head.basis.fit(rows.data(), kExactPrefixTokens);
  double bytes_left = step.cache->promotion_bytes();
  head.key_precision = head.layer().keys().tiers().choose(noise * batch.scale * batch.scale, bytes_left);
  step.cache->set_promotion_bytes(bytes_left);
}

void add_queries(Head& head, const NewTokens& batch) {
  const LayerShape& shape = head.layer().shape;
  for (std::size_t t = 0; t < batch.step.tokens; ++t) {
    const float* queries = batch.queries + t * batch.stride + head.number() * shape.group() * shape.key_size;
    head.query_sums.add(queries, batch.step.position + t, head.layer().rotary);
  }
}

/// Does what follows from a step's new tokens, once they are staged.
void complete(Layer& layer, const StagedPages& staged, ThreadPool& pool, const NewTokens& batch) {
  const Step& step = batch.step;
  if (step.cache->keeps_query_sums() && layer.global())
    pool.run(layer.heads().size(), [&](std::size_t h) { add_queries(layer.head(h), batch); });
  if (layer.keys().rotation() != nullptr && step.position < kPageTokens) {
    for (Head& head : layer.heads()) observe(head, staged, batch);
  }
  if (step.end() / kPageTokens == staged.first_page()) return;
  seal_complete(layer, staged, pool, step);
  for (const KvSide side : kSides) age(layer, pool, side, step.position, step.end());
}

/// Drops the pages and forms of pages that no later query sees, when the head has `tokens_total` tokens.
void drop_unseen(Head& head, KvSide side, std::size_t tokens_total) {
  SidePages& pages = head.pages(side);
  const std::size_t visible = first_visible(tokens_total, head.layer().shape.window);
  // Pages that are old now drop their recent form. The loop ends at the first that has none: those before it were
  // handled when they became old.
  const std::size_t sealed = tokens_total / kPageTokens;
  const std::size_t old = pages.pages.size() - (sealed - head.layer().side(side).old_pages(tokens_total));
  for (std::size_t i = old; i-- > 0;) {
    if (!head.keeps(i)) continue;
    if (!pages.pages[i].recent) break;
    pages.pages[i].recent.reset();
  }
  for (std::size_t p = std::min(visible / kPageTokens, pages.pages.size()); p-- > 0;) {
    if (!head.keeps(p)) continue;
    if (!pages.pages[p].recent && !pages.pages[p].old) break;
    pages.pages[p] = Page{};
  }
  if (visible >= kExactPrefixTokens) pages.exact_prefix.reset();
}

}  // namespace

void append(std::span<const Step> steps, Staging& staging, ThreadPool& pool, std::size_t layer_number,
            const ProjectedRows& rows) {
  staging.begin(steps, layer_number);
  const std::size_t kv_heads = steps.front().cache->layer(layer_number).heads().size();
  // One task per page: a page has too few tokens to be worth splitting.
  const auto write = [&](std::size_t task) {
    const std::size_t number = task / kv_heads;
    const std::size_t s = staging.step_of(number);
    const StagedPages& staged = staging.of(s);
    write_page(steps[s].cache->layer(layer_number).head(task % kv_heads), staged, {steps[s], rows},
               staged.page_number(number));
  };
  pool.run(kv_heads * staging.pages(), write, worth_threads(steps));
  for (std::size_t s = 0; s < steps.size(); ++s)
    complete(steps[s].cache->layer(layer_number), staging.of(s), pool, {steps[s], rows});
}

void finish_append(std::span<const Step> steps, const Staging& staging, std::size_t layer) {
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const std::size_t end = steps[s].end();
    const StagedPages& staged = staging.of(s);
    for (Head& head : steps[s].cache->layer(layer).heads()) {
      for (const KvSide side : kSides) {
        if (end % kPageTokens == 0) {
          head.pages(side).open.reset();
        } else if (!staged.in_place()) {
          RawBuffer& open = own_open(head, side);
          std::memcpy(open.data(), staged.page(side, head.number(), end / kPageTokens), open.size());
        }
        drop_unseen(head, side, end);
      }
    }
  }
}

}  // namespace pith::kv
