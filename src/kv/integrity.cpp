#include "kv/integrity.h"

#include <fmt/format.h>

#include <string>

#include "base/fail.h"

namespace pith::kv {
namespace {

[[noreturn]] void fail_changed(const std::string& what, const PageBytes& page, KvSide side, std::size_t layer,
                               std::size_t kv_head) {
  fail(ErrorKind::kIntegrity, "KV cache: {} of the {} of layer {}, KV head {}: its {} bytes have changed in memory",
       what, side == KvSide::kKeys ? "keys" : "values", layer, kv_head, page.size());
}

void verify_head(const Cache& cache, std::size_t layer, std::size_t kv_head) {
  for (const KvSide side : kSides) {
    const SidePages& held = cache.pages(side, layer, kv_head);
    if (held.exact_prefix && !held.exact_prefix->intact())
      fail_changed("the exact prefix", *held.exact_prefix, side, layer, kv_head);
    for (std::size_t i = 0; i < held.pages.size(); ++i) {
      const Page& page = held.pages[i];
      if (page.recent) verify_page(*page.recent, side, layer, kv_head, i);
      if (page.old) verify_page(*page.old, side, layer, kv_head, i);
    }
  }
}

}  // namespace

void verify_page(const PageBytes& page, KvSide side, std::size_t layer, std::size_t kv_head, std::size_t slot) {
  if (!page.intact()) fail_changed(fmt::format("page {}", slot), page, side, layer, kv_head);
}

void verify_pages(const Cache& cache) {
  if (!cache.keeps_checksums()) return;
  for (std::size_t layer = 0; layer < cache.shape().layers(); ++layer) {
    for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) verify_head(cache, layer, h);
  }
}

void verify_pages(const Cache& cache, ThreadPool& pool) {
  if (!cache.keeps_checksums()) return;
  const std::size_t kv_heads = cache.shape().kv_heads;
  pool.run(cache.shape().layers() * kv_heads,
           [&](std::size_t task) { verify_head(cache, task / kv_heads, task % kv_heads); });
}

bool pages_intact(const Cache& cache, ThreadPool& pool) {
  try {
    verify_pages(cache, pool);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIntegrity) throw;
    return false;
  }
}

}  // namespace pith::kv
