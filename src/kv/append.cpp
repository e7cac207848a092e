#include "kv/append.h"

#include <algorithm>
#include <cstring>

namespace pith::kv {
namespace {

/// Copies the first tokens of page 0 where they stay exact.
void keep_sinks(const Cache& cache, HeadPages& head, const ExactPage& page) {
  const std::size_t key_size = cache.shape().key_size;
  const std::size_t value_size = cache.shape().value_size;
  head.sinks = RawBuffer(cache.exact_page_bytes(kSinkTokens));
  const ExactPage sinks = cache.exact_page(head.sinks.data(), kSinkTokens);
  std::vector<float> rows(kSinkTokens * std::max(key_size, value_size));
  cache.exact_keys().get_keys(page.keys, key_size, kSinkTokens, rows.data());
  for (std::size_t t = 0; t < kSinkTokens; ++t)
    cache.exact_keys().put_key(&rows[t * key_size], key_size, t, sinks.keys);
  cache.exact_values().get_values(page.values, value_size, kPageTokens, kSinkTokens, rows.data());
  for (std::size_t t = 0; t < kSinkTokens; ++t) {
    cache.exact_values().put_value(&rows[t * value_size], value_size, kSinkTokens, t, sinks.values);
  }
}

std::shared_ptr<const SealedPage> seal(const Cache& cache, const ExactPage& exact, std::size_t first) {
  const std::size_t key_size = cache.shape().key_size;
  const std::size_t value_size = cache.shape().value_size;
  auto page = std::make_shared<SealedPage>();
  page->value_at = cache.key_codec().key_page_bytes(key_size);
  page->bytes = RawBuffer(page->value_at + cache.value_codec().value_page_bytes(value_size));
  std::vector<float> rows(kPageTokens * std::max(key_size, value_size));
  cache.exact_keys().get_keys(exact.keys, key_size, kPageTokens, rows.data());
  cache.key_codec().seal_keys(rows.data(), key_size, first, page->bytes.data());
  cache.exact_values().get_values(exact.values, value_size, kPageTokens, kPageTokens, rows.data());
  cache.value_codec().seal_values(rows.data(), value_size, first, page->bytes.data() + page->value_at);
  return page;
}

void write_token(const Cache& cache, const Staging& staging, std::size_t kv_head, const NewTokens& batch,
                 std::size_t token) {
  const KvShape& shape = cache.shape();
  float* key = batch.keys + token * batch.stride + kv_head * shape.key_size;
  float* value = batch.values + token * batch.stride + kv_head * shape.value_size;
  if (cache.key_rotation() != nullptr) cache.key_rotation()->apply(cache.kernels(), key);
  if (cache.value_rotation() != nullptr) cache.value_rotation()->apply(cache.kernels(), value);
  const std::size_t position = batch.position + token;
  const ExactPage page = staging.page(cache, kv_head, position / kPageTokens);
  cache.exact_keys().put_key(key, shape.key_size, position % kPageTokens, page.keys);
  cache.exact_values().put_value(value, shape.value_size, kPageTokens, position % kPageTokens, page.values);
}

}  // namespace

Staging::Staging(const Cache& cache, std::size_t tokens_max)
    : pages_max_(tokens_max / kPageTokens + 2),
      page_bytes_(cache.exact_page_bytes(kPageTokens)),
      memory_(pages_max_ * page_bytes_ * cache.shape().kv_heads) {}

std::byte* Staging::memory(std::size_t kv_head, std::size_t page) const {
  return memory_.data() + (kv_head * pages_max_ + page - first_page_) * page_bytes_;
}

ExactPage Staging::page(const Cache& cache, std::size_t kv_head, std::size_t page) const {
  return cache.exact_page(memory(kv_head, page), kPageTokens);
}

void append(Cache& cache, Staging& staging, ThreadPool& pool, std::size_t layer, const NewTokens& batch) {
  const std::size_t first_page = batch.position / kPageTokens;
  const std::size_t end = batch.position + batch.tokens;
  const std::size_t pages = (end + kPageTokens - 1) / kPageTokens - first_page;
  staging.begin(first_page);
  const std::size_t bytes = cache.exact_page_bytes(kPageTokens);
  // A page is written and sealed by one task; tokens of a page are few enough not to be split further.
  pool.run(
      cache.shape().kv_heads * pages,
      [&](std::size_t task) {
        const std::size_t kv_head = task / pages;
        const std::size_t page = first_page + task % pages;
        HeadPages& head = cache.head(layer, kv_head);
        std::byte* memory = staging.memory(kv_head, page);
        const bool continued = page == first_page && batch.position % kPageTokens != 0;
        if (continued) {
          std::memcpy(memory, head.open.data(), bytes);
        } else {
          std::memset(memory, 0, bytes);
        }
        const std::size_t from = std::max(page * kPageTokens, batch.position);
        const std::size_t to = std::min((page + 1) * kPageTokens, end);
        for (std::size_t position = from; position < to; ++position)
          write_token(cache, staging, kv_head, batch, position - batch.position);
      },
      batch.tokens > 4);

  const std::size_t complete = end / kPageTokens - first_page;
  if (complete == 0) return;
  for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) cache.head(layer, h).sealed.resize(first_page + complete);
  pool.run(cache.shape().kv_heads * complete, [&](std::size_t task) {
    const std::size_t kv_head = task / complete;
    const std::size_t page = first_page + task % complete;
    HeadPages& head = cache.head(layer, kv_head);
    const ExactPage exact = staging.page(cache, kv_head, page);
    const bool has_sinks = page == 0 && cache.keeps_sinks();
    if (has_sinks) keep_sinks(cache, head, exact);
    head.sealed[page] = seal(cache, exact, has_sinks ? kSinkTokens : 0);
  });
}

void finish_append(Cache& cache, const Staging& staging, std::size_t layer, std::size_t tokens_total) {
  const std::size_t window = cache.shape().windows[layer];
  const std::size_t page = tokens_total / kPageTokens;
  const std::size_t bytes = cache.exact_page_bytes(kPageTokens);
  for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) {
    HeadPages& head = cache.head(layer, h);
    if (tokens_total % kPageTokens == 0) {
      head.open = RawBuffer();
    } else {
      if (head.open.size() == 0) head.open = RawBuffer(bytes);
      std::memcpy(head.open.data(), staging.memory(h, page), bytes);
    }
    // The next query sees tokens from here on.
    const std::size_t visible = window != 0 && tokens_total + 1 > window ? tokens_total + 1 - window : 0;
    for (std::size_t p = std::min(visible / kPageTokens, head.sealed.size()); p-- > 0 && head.sealed[p];)
      head.sealed[p].reset();
    if (visible >= kSinkTokens) head.sinks = RawBuffer();
  }
}

}  // namespace pith::kv
