#include "kv/read/attend_worker.h"

#include <algorithm>
#include <array>

#include "kv/read/chunk_view.h"

namespace pith::kv {
namespace {

/// A sealed page that is about to be read.
struct PageToRead {
  PageView key, value;
  TokensView tokens;
};

/// Lists the sealed pages of a chunk that a block reads. Returns how many there are.
std::size_t list_pages(const ChunkView& view, const Head& head, const BlockReading& reading, std::size_t chunk,
                       std::size_t own_page, std::array<PageToRead, kChunkPages>& pages) {
  const std::vector<Page>& keys = head.pages(KvSide::kKeys).pages;
  const std::vector<Page>& values = head.pages(KvSide::kValues).pages;
  std::size_t count = 0;
  const std::size_t end = std::min(reading.count, (chunk + 1) * kChunkPages);
  for (std::size_t n = chunk * kChunkPages; n < end; ++n) {
    const std::size_t i = reading[n];
    const Slot& slot = head.slots.slots[i];
    if (slot.live == 0 || view.before_window(slot)) continue;
    pages[count++] = {view.keys(slot, keys[i], own_page),
                      view.values(slot, values[i], own_page),
                      {slot.packed() ? 0 : static_cast<std::size_t>(slot.page) * kPageTokens, slot.live, kPageTokens,
                       cell_of_slot(i)}};
  }
  return count;
}

/// Attends to the pages in order. Pages are scattered, so hardware prefetch cannot predict them: their pointers are
/// resolved first, and each is prefetched while the one before it is read.
template <typename QueriesOf>
void attend_pages(const ChunkView& view, std::span<const PageToRead> pages, const QueriesOf& queries_of) {
  if (pages.empty()) return;
  pages[0].key.prefetch();
  pages[0].value.prefetch();
  for (std::size_t n = 0; n < pages.size(); ++n) {
    const auto& [key, value, tokens] = pages[n];
    const bool another = n + 1 < pages.size();
    if (another) pages[n + 1].key.prefetch();
    const Queries sealed = queries_of(tokens.cell).sealed;
    key.codec->score_rows(sealed, key.bytes, view.scores, view.scratch);
    if (key.origins != nullptr) key.codec->add_origins(sealed, *key.origins, view.scores);
    view.cap_scores();
    if (another) pages[n + 1].value.prefetch();
    value.codec->accumulate_rows(view.step(tokens), value.bytes, view.scratch);
  }
}

/// Attends to the exact prefix, where there is one.
template <typename QueriesOf>
void attend_prefix(const ChunkView& view, const Head& head, const QueriesOf& queries_of) {
  const SealedPage& keys = head.pages(KvSide::kKeys).exact_prefix;
  if (!keys || head.slots.exact_prefix == 0) return;
  view.attend_exact(queries_of(kPrefixCell).exact, {0, head.slots.exact_prefix, kExactPrefixTokens, kPrefixCell},
                    keys->data(), head.pages(KvSide::kValues).exact_prefix->data(), kExactPrefixTokens);
}

}  // namespace

AttendWorker::AttendWorker(const ScratchLayout& layout)
    : scores_(kBlockTokens * layout.group * kPageTokens),
      weights_(1, kBlockTokens * layout.group, kPageTokens),
      row_add_(kBlockTokens * layout.group + kernels::kSplitRows),
      row_shrink_(row_add_.size()),
      ranges_(kBlockTokens * layout.group),
      states_(kStates, kBlockTokens * layout.group, layout.value_size),
      turned_(layout) {}

std::size_t AttendWorker::bytes() const {
  return (scores_.size() + row_add_.size() + row_shrink_.size() + observed_.size()) * sizeof(float) + weights_.bytes() +
         ranges_.size() * sizeof(kernels::TokenRange) + states_.bytes() + turned_.bytes();
}

float* AttendWorker::observed(std::size_t count) {
  if (observed_.size() < count) observed_ = Buffer<float>(2 * count);
  return observed_.data();
}

ChunkView AttendWorker::view(const Head& head, const QueryBlock& block, const Target& target) {
  ChunkView view(head, block);
  view.rows = target.state;
  view.ranges = ranges_.data();
  view.scores = scores_.data();
  view.observed = target.observed;
  view.softcap = target.softcap;
  view.scratch = {weights_.planes(0), row_add_.data(), row_shrink_.data()};
  return view;
}

void AttendWorker::attend_chunk(const StepReading& reading, const AttendBlock& block, const BlockQueries& queries,
                                std::size_t chunk, const SoftmaxRows& state, float* observed, float softcap) {
  reset(state);
  turned_.begin();
  const std::size_t borrowed = reading.of(block).borrowed_chunks;
  const Target target = {state, observed, softcap};
  if (chunk < borrowed) {
    attend_borrowed(reading, block, queries, chunk, target);
  } else {
    attend_own(reading, block, queries, chunk - borrowed, target);
  }
}

void AttendWorker::attend_own(const StepReading& reading, const AttendBlock& block, const BlockQueries& queries,
                              std::size_t chunk, const Target& target) {
  const BlockReading& slots_read = reading.of(block);
  const Head& head = reading.head(block);
  const std::size_t own_page = block.own_page();
  const LayerShape& shape = reading.layer().shape();
  const ChunkView view = this->view(head, {block.position, block.tokens, shape.group(), shape.window}, target);
  const auto queries_of = [&](std::size_t cell) {
    const std::ptrdiff_t shift = reading.shift(block, cell);
    return shift == 0 ? queries : turned_.turned(head, queries, shift);
  };

  if (chunk == 0 && own_page > 0) attend_prefix(view, head, queries_of);
  std::array<PageToRead, kChunkPages> pages{};
  const std::size_t count = list_pages(view, head, slots_read, chunk, own_page, pages);
  attend_pages(view, std::span(pages).first(count), queries_of);
  if (chunk + 1 != slots_read.chunks() - slots_read.borrowed_chunks) return;
  // Tokens that no row sees are left out.
  const std::size_t start = own_page * kPageTokens;
  const std::size_t seen =
      (block.position + block.tokens - start + kernels::kLanes - 1) / kernels::kLanes * kernels::kLanes;
  const TokenMask left = reading.step().cache->holes().left_of(own_page);
  view.attend_exact(queries.exact, {start, left, seen, cell_of_slot(slots_seen(head.slots, own_page))},
                    reading.staged().page(KvSide::kKeys, block.kv_head, own_page),
                    reading.staged().page(KvSide::kValues, block.kv_head, own_page), kPageTokens);
}

void AttendWorker::attend_borrowed(const StepReading& reading, const AttendBlock& block, const BlockQueries& queries,
                                   std::size_t chunk, const Target& target) {
  const BorrowedReading& borrowed = reading.borrowed(chunk);
  const Cache& cache = *borrowed.cache;
  const LayerShape& shape = reading.layer().shape();
  const Head& head = cache.layer(reading.layer().config().number).head(block.kv_head);
  const HeadSlots& slots = head.slots;
  // Where the block stands as the borrowed cache counts: all of its tokens come before. Forms of pages are those that
  // its next token would see.
  const auto position =
      static_cast<std::size_t>(static_cast<std::ptrdiff_t>(block.position) - borrowed.shifts[slots.open_cell()]);
  const std::size_t own_page = cache.tokens() / kPageTokens;
  const ChunkView view = this->view(head, {position, block.tokens, shape.group(), shape.window}, target);
  const auto queries_of = [&](std::size_t cell) { return turned_.turned(head, queries, borrowed.shifts[cell]); };

  chunk -= borrowed.first_chunk;
  if (chunk == 0) attend_prefix(view, head, queries_of);
  std::array<PageToRead, kChunkPages> pages{};
  const std::size_t count = list_pages(view, head, {slots.slots.size()}, chunk, own_page, pages);
  attend_pages(view, std::span(pages).first(count), queries_of);
  const std::size_t open = cache.tokens() % kPageTokens;
  if (chunk + 1 != borrowed.chunks || open == 0) return;
  const std::size_t seen = (open + kernels::kLanes - 1) / kernels::kLanes * kernels::kLanes;
  view.attend_exact(
      queries_of(slots.open_cell()).exact,
      {own_page * kPageTokens, first_tokens(open) & cache.holes().left_of(own_page), seen, slots.open_cell()},
      head.pages(KvSide::kKeys).open->data(), head.pages(KvSide::kValues).open->data(), kPageTokens);
}

}  // namespace pith::kv
