#include "kv/append.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "kv/integrity.h"

namespace pith::kv {
namespace {

/// Copies the first tokens of page 0 into the exact prefix.
void keep_exact_prefix(const FloatCodec& exact, SidePages& pages, const std::byte* page, bool with_checksum) {
  const std::size_t size = exact.shape().size;
  RawBuffer prefix(exact.bytes_of(kExactPrefixTokens));
  std::vector<float> rows(kExactPrefixTokens * size);
  exact.get_rows(page, kPageTokens, kExactPrefixTokens, rows.data());
  for (std::size_t t = 0; t < kExactPrefixTokens; ++t)
    exact.put_row(&rows[t * size], kExactPrefixTokens, t, prefix.data());
  pages.exact_prefix = seal_bytes(std::move(prefix), with_checksum);
}

SealedPage seal(std::span<const std::byte> grid, const std::vector<float>& rows, const Codec& codec, std::size_t first,
                bool with_checksum) {
  RawBuffer page(codec.page_bytes());
  codec.encode_on(grid, rows, first, {page.data(), page.size()});
  return seal_bytes(std::move(page), with_checksum);
}

/// Returns the open page for writing: not shared with forks any more.
RawBuffer& own_open(SidePages& pages, std::size_t bytes) {
  if (!pages.open) {
    pages.open = std::make_shared<RawBuffer>(bytes);
  } else if (pages.open.use_count() > 1) {
    auto copy = std::make_shared<RawBuffer>(bytes);
    std::memcpy(copy->data(), pages.open->data(), bytes);
    pages.open = std::move(copy);
  }
  return *pages.open;
}

/// Exact pages hold keys unrotated and values in the rotated basis, so that sums over exact and sealed pages add up.
void write_token(const Cache& cache, Staging& staging, std::size_t layer, std::size_t kv_head, const NewTokens& batch,
                 std::size_t token) {
  const std::size_t position = batch.position + token;
  const std::size_t page = position / kPageTokens;
  const std::size_t in_page = position % kPageTokens;
  const KvShape& shape = cache.shape();
  const float* key = batch.keys + token * batch.stride + kv_head * shape.key_size;
  cache.keys(layer).exact().put_row(key, kPageTokens, in_page, staging.page(KvSide::kKeys, kv_head, page));
  const float* value = batch.values + token * batch.stride + kv_head * shape.value_size;
  if (const HadamardRotation* rotation = cache.values(layer).rotation(); rotation != nullptr) {
    float* rotated = staging.row(kv_head, page);
    std::copy_n(value, shape.value_size, rotated);
    rotation->apply(cache.kernels(), rotated);
    value = rotated;
  }
  cache.values(layer).exact().put_row(value, kPageTokens, in_page, staging.page(KvSide::kValues, kv_head, page));
}

/// Fills a page of the staging area with the cache's open page, or with zeros if there is none.
void begin_page(const Cache& cache, const Staging& staging, std::size_t layer, std::size_t kv_head, std::size_t page,
                bool continued) {
  for (const KvSide side : kSides) {
    std::byte* memory = staging.page(side, kv_head, page);
    const std::size_t bytes = cache.side(side, layer).exact().page_bytes();
    if (continued) {
      std::memcpy(memory, cache.pages(side, layer, kv_head).open->data(), bytes);
    } else {
      std::memset(memory, 0, bytes);
    }
  }
}

/// Feeds the keys' basis: with the queries of page 0, and when that is full, with its keys.
void observe(Cache& cache, const Staging& staging, std::size_t layer, std::size_t kv_head, const NewTokens& batch) {
  const KvShape& shape = cache.shape();
  KeyBasis& basis = cache.key_basis(layer, kv_head);
  const std::size_t end = std::min(batch.position + batch.tokens, kPageTokens);
  for (std::size_t position = std::max(batch.position, kExactPrefixTokens); position < end; ++position) {
    const float* query = batch.queries + (position - batch.position) * batch.stride;
    for (std::size_t g = 0; g < shape.group(); ++g)
      basis.observe(query + (kv_head * shape.group() + g) * shape.key_size);
  }
  if (end < kPageTokens || batch.position >= kPageTokens) return;
  std::vector<float> rows(kPageTokens * shape.key_size);
  cache.keys(layer).exact().get_rows(staging.page(KvSide::kKeys, kv_head, 0), kPageTokens, kPageTokens, rows.data());
  const float noise = basis.fit(rows.data(), kExactPrefixTokens);
  cache.promote(layer, kv_head, noise * batch.scale * batch.scale);
}

void add_queries(Cache& cache, ThreadPool& pool, std::size_t layer, const NewTokens& batch) {
  const KvShape& shape = cache.shape();
  pool.run(shape.kv_heads, [&](std::size_t h) {
    for (std::size_t t = 0; t < batch.tokens; ++t) {
      cache.query_sums().add(layer, h, batch.queries + t * batch.stride + h * shape.group() * shape.key_size,
                             batch.position + t, cache.rotary());
    }
  });
}

/// Encodes a page in its final form. The first such page of a head decides the grid of all later ones, so no other page
/// of the head may be sealed at the same time.
void seal_old(Cache& cache, KvSide side, std::size_t layer, std::size_t kv_head, const std::vector<float>& rows,
              std::size_t first, Page& page) {
  SidePages& pages = cache.pages(side, layer, kv_head);
  const Codec& codec = cache.old_codec(side, layer, kv_head);
  page.old = seal(pages.grid, rows, codec, first, cache.keeps_checksums());
  if (pages.grid_decided) return;
  if (pages.grid.empty()) pages.grid = codec.grid(page.old->data());
  pages.grid_decided = true;
}

/// Computes the key ranges that sparse reading needs for pages [first, last), which have slots already. Leaves out the
/// exact prefix, which is always read.
void summarize(Cache& cache, const Staging& staging, std::size_t layer, std::size_t kv_head, std::size_t first,
               std::size_t last) {
  const SideConfig& config = cache.keys(layer);
  std::vector<float> rows(kPageTokens * config.size());
  for (std::size_t page = first; page < last; ++page) {
    config.exact().get_rows(staging.page(KvSide::kKeys, kv_head, page), kPageTokens, kPageTokens, rows.data());
    const std::size_t from = page == 0 && cache.keeps_exact_prefix(layer) ? kExactPrefixTokens : 0;
    cache.key_ranges(layer, kv_head)
        .set(cache.slots(layer, kv_head).slot_of(page, last), config.size(),
             std::span(rows).subspan(from * config.size()));
  }
}

/// Seals the complete pages [first, last) of a layer from the staging pages.
void seal_complete(Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer, std::size_t first,
                   std::size_t last) {
  const std::size_t kv_heads = cache.shape().kv_heads;
  for (std::size_t h = 0; h < kv_heads; ++h) {
    HeadSlots& slots = cache.slots(layer, h);
    for (std::size_t page = first; page < last; ++page) {
      const bool has_prefix = page == 0 && cache.keeps_exact_prefix(layer);
      if (has_prefix) slots.exact_prefix = first_tokens(kExactPrefixTokens);
      slots.slots.push_back(
          {static_cast<std::int32_t>(page), has_prefix ? ~first_tokens(kExactPrefixTokens) : kAllTokens, {}});
    }
    for (const KvSide side : kSides) cache.pages(side, layer, h).pages.resize(slots.slots.size());
  }
  const auto seal_page = [&](KvSide side, std::size_t h, std::size_t page) {
    const SideConfig& config = cache.side(side, layer);
    SidePages& pages = cache.pages(side, layer, h);
    const std::byte* exact = staging.page(side, h, page);
    const bool has_prefix = page == 0 && cache.keeps_exact_prefix(layer);
    if (has_prefix) keep_exact_prefix(config.exact(), pages, exact, cache.keeps_checksums());
    std::vector<float> rows(kPageTokens * config.size());
    config.exact().get_rows(exact, kPageTokens, kPageTokens, rows.data());
    if (side == KvSide::kKeys && config.rotation() != nullptr) {
      std::vector<float> raw = rows;
      for (std::size_t t = 0; t < kPageTokens; ++t) {
        cache.key_basis(layer, h).apply_to_key(cache.kernels(), *config.rotation(), &raw[t * config.size()],
                                               &rows[t * config.size()]);
      }
    }
    const std::size_t from = has_prefix ? kExactPrefixTokens : 0;
    Page& to = pages.pages[cache.slots(layer, h).slot_of(page, last)];
    if (config.recent() != nullptr) {
      to.recent = seal({}, rows, *config.recent(), from, cache.keeps_checksums());
    } else {
      seal_old(cache, side, layer, h, rows, from, to);
    }
  };
  if (cache.reads_sparsely(layer))
    pool.run(kv_heads, [&](std::size_t h) { summarize(cache, staging, layer, h, first, last); });
  // The first page of a head decides the grid of all others, so it is sealed before them.
  if (first == 0) {
    pool.run(kSides.size() * kv_heads,
             [&](std::size_t task) { seal_page(kSides[task % kSides.size()], task / kSides.size(), 0); });
    ++first;
  }
  pool.run(kSides.size() * kv_heads * (last - first), [&](std::size_t task) {
    seal_page(kSides[task % kSides.size()], task / kSides.size() % kv_heads, first + task / kSides.size() / kv_heads);
  });
}

/// Encodes pages that the last query of the batch, or the next batch, sees as old in their final form.
void age(Cache& cache, ThreadPool& pool, KvSide side, std::size_t layer, std::size_t tokens_before,
         std::size_t tokens_total) {
  const SideConfig& config = cache.side(side, layer);
  if (config.recent() == nullptr) return;
  const std::size_t kv_heads = cache.shape().kv_heads;
  const std::size_t pages = tokens_total / kPageTokens;
  const auto age_page = [&](std::size_t head, std::size_t number) {
    const HeadSlots& slots = cache.slots(layer, head);
    const std::size_t slot = slots.slot_of(number, pages);
    Page& page = cache.pages(side, layer, head).pages[slot];
    if (!page.recent || page.old || slots.slots[slot].live == 0) return;
    verify_page(*page.recent, side, layer, head, slot);
    std::vector<float> rows(kPageTokens * config.size());
    config.recent()->decode({page.recent->data(), page.recent->size()}, rows);
    seal_old(cache, side, layer, head, rows, number == 0 && cache.keeps_exact_prefix(layer) ? kExactPrefixTokens : 0,
             page);
  };
  const std::size_t first = config.old_pages(tokens_before);
  const std::size_t last = config.old_pages(tokens_total);
  const auto decided = [&](std::size_t head) { return cache.pages(side, layer, head).grid_decided; };
  const auto decide = [&](std::size_t head) {
    for (std::size_t page = first; page < last && !decided(head); ++page) age_page(head, page);
  };
  pool.run(kv_heads, decide, last > first);
  pool.run(kv_heads * (last - first),
           [&](std::size_t task) { age_page(task / (last - first), first + task % (last - first)); });
}

}  // namespace

Staging::Staging(const Cache& cache, std::size_t tokens_max)
    : pages_max_(tokens_max / kPageTokens + 2),
      row_size_(cache.shape().value_size),
      rows_(cache.shape().kv_heads * pages_max_ * row_size_) {
  for (std::size_t i = 0; i < kSides.size(); ++i) {
    for (std::size_t layer = 0; layer < cache.shape().layers(); ++layer) {
      memory_[i].page_bytes = std::max(memory_[i].page_bytes, cache.side(kSides[i], layer).exact().page_bytes());
    }
    memory_[i].pages = RawBuffer(pages_max_ * memory_[i].page_bytes * cache.shape().kv_heads);
  }
}

std::size_t Staging::bytes() const {
  std::size_t bytes = rows_.size() * sizeof(float);
  for (const Memory& memory : memory_) bytes += memory.pages.size();
  return bytes;
}

std::byte* Staging::page(KvSide side, std::size_t kv_head, std::size_t page) const {
  const auto index = static_cast<std::size_t>(side);
  const Memory& memory = memory_[index];
  if (in_place()) return in_place_[index * (in_place_.size() / kSides.size()) + kv_head];
  return memory.pages.data() + (kv_head * pages_max_ + page - first_page_) * memory.page_bytes;
}

void Staging::begin_in_place(Cache& cache, std::size_t layer, std::size_t first_page) {
  first_page_ = first_page;
  in_place_.clear();
  for (const KvSide side : kSides) {
    for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) {
      in_place_.push_back(own_open(cache.pages(side, layer, h), cache.side(side, layer).exact().page_bytes()).data());
    }
  }
}

float* Staging::row(std::size_t kv_head, std::size_t page) {
  return &rows_[(kv_head * pages_max_ + page - first_page_) * row_size_];
}

void append(Cache& cache, Staging& staging, ThreadPool& pool, std::size_t layer, const NewTokens& batch) {
  const std::size_t first_page = batch.position / kPageTokens;
  const std::size_t end = batch.position + batch.tokens;
  const std::size_t pages = (end + kPageTokens - 1) / kPageTokens - first_page;
  if (batch.tokens == 1 && end % kPageTokens != 0) {
    staging.begin_in_place(cache, layer, first_page);
  } else {
    staging.begin(first_page);
  }
  // One task per page: a page has too few tokens to be worth splitting.
  pool.run(
      cache.shape().kv_heads * pages,
      [&](std::size_t task) {
        const std::size_t kv_head = task / pages;
        const std::size_t page = first_page + task % pages;
        if (!staging.in_place()) {
          begin_page(cache, staging, layer, kv_head, page, page == first_page && batch.position % kPageTokens != 0);
        }
        const std::size_t from = std::max(page * kPageTokens, batch.position);
        const std::size_t to = std::min((page + 1) * kPageTokens, end);
        for (std::size_t position = from; position < to; ++position) {
          write_token(cache, staging, layer, kv_head, batch, position - batch.position);
        }
      },
      batch.tokens > 4);

  if (cache.query_sums().enabled() && cache.shape().windows[layer] == 0) add_queries(cache, pool, layer, batch);
  if (cache.keys(layer).rotation() != nullptr && batch.position < kPageTokens) {
    for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) observe(cache, staging, layer, h, batch);
  }
  if (end / kPageTokens == first_page) return;
  seal_complete(cache, staging, pool, layer, first_page, end / kPageTokens);
  for (const KvSide side : kSides) age(cache, pool, side, layer, batch.position, end);
}

void finish_append(Cache& cache, const Staging& staging, std::size_t layer, std::size_t tokens_total) {
  const std::size_t visible = first_visible(tokens_total, cache.shape().windows[layer]);
  for (const KvSide side : kSides) {
    const SideConfig& config = cache.side(side, layer);
    const std::size_t bytes = config.exact().page_bytes();
    for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) {
      SidePages& pages = cache.pages(side, layer, h);
      if (tokens_total % kPageTokens == 0) {
        pages.open.reset();
      } else if (!staging.in_place()) {
        std::memcpy(own_open(pages, bytes).data(), staging.page(side, h, tokens_total / kPageTokens), bytes);
      }
      // Pages that are old now drop their recent form. The loop ends at the first that has none: those before it were
      // handled when they became old.
      const std::size_t sealed = tokens_total / kPageTokens;
      const std::size_t old = pages.pages.size() - (sealed - config.old_pages(tokens_total));
      for (std::size_t i = old; i-- > 0 && pages.pages[i].recent;) pages.pages[i].recent.reset();
      for (std::size_t p = std::min(visible / kPageTokens, pages.pages.size());
           p-- > 0 && (pages.pages[p].recent || pages.pages[p].old);) {
        pages.pages[p] = Page{};
      }
      if (visible >= kExactPrefixTokens) pages.exact_prefix.reset();
    }
  }
}

}  // namespace pith::kv
