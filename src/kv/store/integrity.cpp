#include "kv/store/integrity.h"

#include <fmt/format.h>

#include <string>

#include "base/fail.h"

namespace pith::kv {
namespace {

[[noreturn]] void fail_changed(const std::string& what, const PageBytes& page, KvSide side, const Head& head) {
  fail(ErrorKind::kIntegrity, "KV cache: {} of the {} of layer {}, KV head {}: its {} bytes have changed in memory",
       what, side == KvSide::kKeys ? "keys" : "values", head.layer().number, head.number(), page.size());
}

void verify_head(const Head& head) {
  for (const KvSide side : kSides) {
    const SidePages& held = head.pages(side);
    if (held.exact_prefix && !held.exact_prefix->intact())
      fail_changed("the exact prefix", *held.exact_prefix, side, head);
    for (std::size_t i = 0; i < held.pages.size(); ++i) {
      const Page& page = held.pages[i];
      if (page.recent) verify_page(*page.recent, side, head, i);
      if (page.old) verify_page(*page.old, side, head, i);
    }
  }
}

}  // namespace

void verify_page(const PageBytes& page, KvSide side, const Head& head, std::size_t slot) {
  if (!page.intact()) fail_changed(fmt::format("page {}", slot), page, side, head);
}

void verify_pages(const Cache& cache) {
  if (!cache.options().pages.checksums) return;
  for (const Head* head : cache.heads()) verify_head(*head);
  for (const Borrowed& other : cache.borrowed()) verify_pages(*other.cache);
}

void verify_pages(const Cache& cache, ThreadPool& pool) {
  if (!cache.options().pages.checksums) return;
  const std::vector<const Head*> heads = cache.heads();
  pool.run(heads.size(), [&](std::size_t task) { verify_head(*heads[task]); });
  for (const Borrowed& other : cache.borrowed()) verify_pages(*other.cache, pool);
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
