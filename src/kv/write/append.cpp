#include "kv/write/append.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kv/write/seal_pages.h"

namespace pith::kv {
namespace {

/// Exact pages hold keys unrotated and values in the rotated basis, so that sums over exact and sealed pages add up.
void write_token(const Head& head, Staging& staging, const NewTokens& batch, std::size_t token) {
  const LayerConfig& layer = head.layer();
  const std::size_t position = batch.position + token;
  const std::size_t page = position / kPageTokens;
  const std::size_t in_page = position % kPageTokens;
  const std::size_t h = head.number();
  const float* key = batch.keys + token * batch.stride + h * layer.shape.key_size;
  layer.keys().exact().put_row(key, kPageTokens, in_page, staging.page(KvSide::kKeys, h, page));
  const float* value = batch.values + token * batch.stride + h * layer.shape.value_size;
  if (const HadamardRotation* rotation = layer.values().rotation(); rotation != nullptr) {
    float* rotated = staging.row(h, page);
    std::copy_n(value, layer.shape.value_size, rotated);
    rotation->apply(*layer.kernels, rotated);
    value = rotated;
  }
  layer.values().exact().put_row(value, kPageTokens, in_page, staging.page(KvSide::kValues, h, page));
}

/// Fills a page of the staging area with the head's open page, or with zeros if there is none.
void begin_page(const Head& head, const Staging& staging, std::size_t page, bool continued) {
  for (const KvSide side : kSides) {
    std::byte* memory = staging.page(side, head.number(), page);
    const std::size_t bytes = head.layer().side(side).exact().page_bytes();
    if (continued) {
      std::memcpy(memory, head.pages(side).open->data(), bytes);
    } else {
      std::memset(memory, 0, bytes);
    }
  }
}

/// Writes the batch's tokens of one page.
void write_page(const Head& head, Staging& staging, const NewTokens& batch, std::size_t page) {
  const std::size_t start = page * kPageTokens;
  if (!staging.in_place()) begin_page(head, staging, page, batch.position > start);
  const std::size_t from = std::max(start, batch.position);
  const std::size_t to = std::min(start + kPageTokens, batch.position + batch.tokens);
  for (std::size_t position = from; position < to; ++position)
    write_token(head, staging, batch, position - batch.position);
}

/// Feeds the keys' basis: with the queries of page 0, and when that is full, with its keys.
void observe(Cache& cache, Head& head, const Staging& staging, const NewTokens& batch) {
  const LayerShape& shape = head.layer().shape;
  const std::size_t end = std::min(batch.position + batch.tokens, kPageTokens);
  for (std::size_t position = std::max(batch.position, kExactPrefixTokens); position < end; ++position) {
    const float* query = batch.queries + (position - batch.position) * batch.stride;
    for (std::size_t g = 0; g < shape.group(); ++g)
      head.basis.observe(query + (head.number() * shape.group() + g) * shape.key_size);
  }
  if (end < kPageTokens || batch.position >= kPageTokens) return;
  std::vector<float> rows(kPageTokens * shape.key_size);
  const std::byte* page = staging.page(KvSide::kKeys, head.number(), 0);
  head.layer().keys().exact().get_rows(page, kPageTokens, kPageTokens, rows.data());
  const float noise = head.basis.fit(rows.data(), kExactPrefixTokens);
  double bytes_left = cache.promotion_bytes();
  head.key_precision = head.layer().keys().tiers().choose(noise * batch.scale * batch.scale, bytes_left);
  cache.set_promotion_bytes(bytes_left);
}

void add_queries(Head& head, const NewTokens& batch, const Rotary& rotary) {
  const LayerShape& shape = head.layer().shape;
  for (std::size_t t = 0; t < batch.tokens; ++t) {
    const float* queries = batch.queries + t * batch.stride + head.number() * shape.group() * shape.key_size;
    head.query_sums.add(queries, batch.position + t, rotary);
  }
}

/// Drops the pages and forms of pages that no later query sees, when the head has `tokens_total` tokens.
void drop_unseen(Head& head, KvSide side, std::size_t tokens_total) {
  SidePages& pages = head.pages(side);
  const std::size_t visible = first_visible(tokens_total, head.layer().shape.window);
  // Pages that are old now drop their recent form. The loop ends at the first that has none: those before it were
  // handled when they became old.
  const std::size_t sealed = tokens_total / kPageTokens;
  const std::size_t old = pages.pages.size() - (sealed - head.layer().side(side).old_pages(tokens_total));
  for (std::size_t i = old; i-- > 0 && pages.pages[i].recent;) pages.pages[i].recent.reset();
  for (std::size_t p = std::min(visible / kPageTokens, pages.pages.size());
       p-- > 0 && (pages.pages[p].recent || pages.pages[p].old);) {
    pages.pages[p] = Page{};
  }
  if (visible >= kExactPrefixTokens) pages.exact_prefix.reset();
}

}  // namespace

void append(Cache& cache, Staging& staging, ThreadPool& pool, std::size_t layer_number, const NewTokens& batch) {
  Layer& layer = cache.layer(layer_number);
  const std::size_t first_page = batch.position / kPageTokens;
  const std::size_t end = batch.position + batch.tokens;
  const std::size_t pages = (end + kPageTokens - 1) / kPageTokens - first_page;
  if (batch.tokens == 1 && end % kPageTokens != 0) {
    staging.begin_in_place(layer, first_page);
  } else {
    staging.begin(first_page);
  }
  // One task per page: a page has too few tokens to be worth splitting.
  pool.run(
      layer.heads().size() * pages,
      [&](std::size_t task) { write_page(layer.head(task / pages), staging, batch, first_page + task % pages); },
      batch.tokens > 4);

  if (cache.keeps_query_sums() && layer.global()) {
    pool.run(layer.heads().size(), [&](std::size_t h) { add_queries(layer.head(h), batch, cache.options().rotary); });
  }
  if (layer.keys().rotation() != nullptr && batch.position < kPageTokens) {
    for (Head& head : layer.heads()) observe(cache, head, staging, batch);
  }
  if (end / kPageTokens == first_page) return;
  seal_complete(layer, staging, pool, first_page, end / kPageTokens);
  for (const KvSide side : kSides) age(layer, pool, side, batch.position, end);
}

void finish_append(Cache& cache, const Staging& staging, std::size_t layer, std::size_t tokens_total) {
  for (Head& head : cache.layer(layer).heads()) {
    for (const KvSide side : kSides) {
      if (tokens_total % kPageTokens == 0) {
        head.pages(side).open.reset();
      } else if (!staging.in_place()) {
        RawBuffer& open = own_open(head, side);
        std::memcpy(open.data(), staging.page(side, head.number(), tokens_total / kPageTokens), open.size());
      }
      drop_unseen(head, side, tokens_total);
    }
  }
}

}  // namespace pith::kv
