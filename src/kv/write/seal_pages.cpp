#include "kv/write/seal_pages.h"

#include <algorithm>
#include <span>
#include <vector>

#include "kv/store/integrity.h"

namespace pith::kv {
namespace {

/// Returns whether the first tokens of the page are kept apart from it.
bool has_exact_prefix(const LayerConfig& layer, std::size_t page) { return page == 0 && layer.keeps_exact_prefix(); }

/// Copies the first tokens of page 0 into the exact prefix.
void keep_exact_prefix(Head& head, KvSide side, const std::byte* page) {
  const FloatCodec& exact = head.layer().side(side).exact();
  const std::size_t size = exact.shape().size;
  RawBuffer prefix(exact.bytes_of(kExactPrefixTokens));
  std::vector<float> rows(kExactPrefixTokens * size);
  exact.get_rows(page, kPageTokens, kExactPrefixTokens, rows.data());
  for (std::size_t t = 0; t < kExactPrefixTokens; ++t)
    exact.put_row(&rows[t * size], kExactPrefixTokens, t, prefix.data());
  head.pages(side).exact_prefix = seal_bytes(std::move(prefix), head.layer().pages);
}

SealedPage seal(std::span<const std::byte> grid, const std::vector<float>& rows, const Codec& codec, std::size_t first,
                const PageKeeping& keeping) {
  RawBuffer page(codec.page_bytes());
  codec.encode_on(grid, rows, first, {page.data(), page.size()});
  return seal_bytes(std::move(page), keeping);
}

/// Encodes a page in its final form. The first such page of a head decides the grid of all later ones, so no other page
/// of the head may be sealed at the same time.
void seal_old(Head& head, KvSide side, const std::vector<float>& rows, std::size_t first, Page& page) {
  SidePages& pages = head.pages(side);
  const Codec& codec = head.old_codec(side);
  page.old = seal(pages.grid, rows, codec, first, head.layer().pages);
  if (pages.grid_decided) return;
  if (pages.grid.empty()) pages.grid = codec.grid(page.old->data());
  pages.grid_decided = true;
}

/// Gives slots to the pages [first, last).
void add_slots(Head& head, std::size_t first, std::size_t last, const Holes& holes) {
  for (std::size_t page = first; page < last; ++page) {
    const TokenMask left = holes.left_of(page);
    const TokenMask prefix = has_exact_prefix(head.layer(), page) ? first_tokens(kExactPrefixTokens) : 0;
    if (prefix != 0) head.slots.exact_prefix = left & prefix;
    head.slots.slots.push_back({static_cast<std::int32_t>(page), left & ~prefix, {}});
  }
  for (const KvSide side : kSides) head.pages(side).pages.resize(head.slots.slots.size());
}

/// Computes the key ranges that sparse reading needs for pages [first, last), which have slots already. Leaves out the
/// exact prefix, which is always read.
void summarize(Head& head, const StagedPages& staged, std::size_t first, std::size_t last) {
  const SideConfig& config = head.layer().keys();
  std::vector<float> rows(kPageTokens * config.size());
  for (std::size_t page = first; page < last; ++page) {
    config.exact().get_rows(staged.page(KvSide::kKeys, head.number(), page), kPageTokens, kPageTokens, rows.data());
    const std::size_t from = has_exact_prefix(head.layer(), page) ? kExactPrefixTokens : 0;
    head.ranges.set(head.slots.slot_of(page, last), config.size(), std::span(rows).subspan(from * config.size()));
  }
}

/// Seals page `page` of `pages`, which has a slot already, if this process keeps it.
void seal_page(Head& head, KvSide side, const StagedPages& staged, std::size_t page, std::size_t pages) {
  const LayerConfig& layer = head.layer();
  const SideConfig& config = layer.side(side);
  const std::byte* exact = staged.page(side, head.number(), page);
  const bool has_prefix = has_exact_prefix(layer, page);
  if (has_prefix) keep_exact_prefix(head, side, exact);
  const std::size_t slot = head.slots.slot_of(page, pages);
  if (!head.keeps(slot)) return;
  std::vector<float> rows(kPageTokens * config.size());
  config.exact().get_rows(exact, kPageTokens, kPageTokens, rows.data());
  if (side == KvSide::kKeys && config.rotation() != nullptr) {
    const std::vector<float> raw = rows;
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      const std::size_t at = t * config.size();
      head.basis.apply_to_key(*layer.kernels, *config.rotation(), &raw[at], &rows[at]);
    }
  }
  const std::size_t from = has_prefix ? kExactPrefixTokens : 0;
  Page& to = head.pages(side).pages[slot];
  if (config.recent() != nullptr) {
    to.recent = seal({}, rows, *config.recent(), from, layer.pages);
  } else {
    seal_old(head, side, rows, from, to);
  }
}

/// Encodes one of `pages` sealed pages in its final form, unless it has that or is not held.
void age_page(Head& head, KvSide side, std::size_t number, std::size_t pages) {
  const SideConfig& config = head.layer().side(side);
  const std::size_t slot = head.slots.slot_of(number, pages);
  Page& page = head.pages(side).pages[slot];
  if (!page.recent || page.old || head.slots.slots[slot].live == 0) return;
  verify_page(*page.recent, side, head, slot);
  std::vector<float> rows(kPageTokens * config.size());
  config.recent()->decode({page.recent->data(), page.recent->size()}, rows);
  seal_old(head, side, rows, has_exact_prefix(head.layer(), number) ? kExactPrefixTokens : 0, page);
}

}  // namespace

void seal_complete(Layer& layer, const StagedPages& staged, ThreadPool& pool, const Step& step) {
  const std::size_t kv_heads = layer.heads().size();
  std::size_t first = staged.first_page();
  const std::size_t last = step.end() / kPageTokens;
  for (Head& head : layer.heads()) add_slots(head, first, last, step.cache->holes());
  if (layer.config().reads_sparsely)
    pool.run(kv_heads, [&](std::size_t h) { summarize(layer.head(h), staged, first, last); });
  const auto seal_nth = [&](std::size_t task, std::size_t page) {
    seal_page(layer.head(task / kSides.size() % kv_heads), kSides[task % kSides.size()], staged, page, last);
  };
  // The first page of a head decides the grid of all others, so it is sealed before them.
  const std::size_t tasks = kSides.size() * kv_heads;
  if (first == 0) {
    pool.run(tasks, [&](std::size_t task) { seal_nth(task, 0); });
    ++first;
  }
  pool.run(tasks * (last - first), [&](std::size_t task) { seal_nth(task, first + task / tasks); });
}

void age(Layer& layer, ThreadPool& pool, KvSide side, std::size_t tokens_before, std::size_t tokens_total) {
  const SideConfig& config = layer.side(side);
  if (config.recent() == nullptr) return;
  const std::size_t kv_heads = layer.heads().size();
  const std::size_t pages = tokens_total / kPageTokens;
  const std::size_t first = config.old_pages(tokens_before);
  const std::size_t last = config.old_pages(tokens_total);
  const auto decide = [&](std::size_t h) {
    Head& head = layer.head(h);
    for (std::size_t page = first; page < last && !head.pages(side).grid_decided; ++page)
      age_page(head, side, page, pages);
  };
  pool.run(kv_heads, decide, last > first);
  pool.run(kv_heads * (last - first), [&](std::size_t task) {
    age_page(layer.head(task / (last - first)), side, first + task % (last - first), pages);
  });
}

}  // namespace pith::kv
