#include "kv/attend.h"

#include <algorithm>
#include <array>

#include "kv/chunk_view.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

/// A sealed page that is about to be read.
struct PageToRead {
  PageView key, value;
  TokensView tokens;
};

/// Returns how many slots lie before a query's own page.
std::size_t slots_seen(const HeadSlots& head, std::size_t own_page) {
  std::size_t count = head.slots.size();
  while (count > 0 && !head.slots[count - 1].packed() &&
         static_cast<std::size_t>(head.slots[count - 1].page) >= own_page)
    --count;
  return count;
}

}  // namespace

Attention::Worker::Worker(std::size_t rows, std::size_t value_size)
    : scores(rows * kPageTokens),
      weights(1, rows, kPageTokens),
      row_add(rows + kernels::kSplitRows),
      row_shrink(rows + kernels::kSplitRows),
      ranges(rows),
      part(1, rows, value_size),
      total(1, rows, value_size) {}

PageScratch Attention::Worker::scratch() const { return {weights.planes(0), row_add.data(), row_shrink.data()}; }

std::size_t Attention::Worker::bytes() const {
  return (scores.size() + row_add.size() + row_shrink.size() + observed.size()) * sizeof(float) + weights.bytes() +
         ranges.size() * sizeof(kernels::TokenRange) + part.bytes() + total.bytes() + turned.bytes();
}

Attention::Attention(const Cache& cache, std::size_t tokens_max, int workers)
    : shape_(cache.shape()), queries_(cache, tokens_max) {
  if (cache.sparse().on()) choices_.resize(shape_.kv_heads);
  for (int i = 0; i < workers; ++i) workers_.emplace_back(kBlockTokens * shape_.group(), shape_.value_size);
}

std::size_t Attention::bytes() const {
  std::size_t bytes = queries_.bytes() + split_parts_.bytes() + observed_.capacity() * sizeof(float);
  for (const Worker& worker : workers_) bytes += worker.bytes();
  return bytes;
}

void Attention::attend_chunk(const Cache& cache, const Staging& staging, std::size_t layer, const AttendBlock& block,
                             const Reading& reading, std::size_t chunk, Worker& worker, const SoftmaxRows& rows,
                             float* observed) const {
  reset(rows);
  const BlockQueries queries = queries_.of(block);
  const HeadSlots& head = cache.slots(layer, block.kv_head);
  const SidePages& keys = cache.pages(KvSide::kKeys, layer, block.kv_head);
  const SidePages& values = cache.pages(KvSide::kValues, layer, block.kv_head);
  const std::size_t own_page = block.position / kPageTokens;
  ChunkView view(cache, layer, block.kv_head, {block.position, block.tokens, shape_.group(), shape_.windows[layer]});
  view.rows = rows;
  view.ranges = worker.ranges.data();
  view.scores = worker.scores.data();
  view.observed = observed;
  view.scratch = worker.scratch();
  worker.turned.begin();
  // Blocks begin and end at multiples of kBlockTokens, so a block lies past the limit as a whole.
  const bool past = !shifts_.none() && block.position / kBlockTokens * kBlockTokens >= cache.trained();
  const auto queries_of = [&](std::size_t cell) {
    const std::size_t shift = past ? shifts_.of(block.kv_head, cell) : 0;
    return shift == 0 ? queries : worker.turned.turned(cache, layer, block, queries, shift);
  };

  if (chunk == 0 && own_page > 0 && keys.exact_prefix && head.exact_prefix != 0) {
    view.attend_exact(queries_of(kPrefixCell).exact, {0, head.exact_prefix, kExactPrefixTokens, kPrefixCell},
                      keys.exact_prefix->data(), values.exact_prefix->data(), kExactPrefixTokens);
  }
  // Pages are scattered, so hardware prefetch cannot predict them. Resolve all page pointers first, then prefetch one
  // page ahead.
  std::array<PageToRead, kChunkPages> pages{};
  std::size_t count = 0;
  const std::size_t end = std::min(reading.count, (chunk + 1) * kChunkPages);
  for (std::size_t n = chunk * kChunkPages; n < end; ++n) {
    const std::size_t i = reading[n];
    const Slot& slot = head.slots[i];
    if (slot.live == 0 || view.before_window(slot)) continue;
    pages[count++] = {view.keys(slot, keys.pages[i], own_page),
                      view.values(slot, values.pages[i], own_page),
                      {slot.packed() ? 0 : static_cast<std::size_t>(slot.page) * kPageTokens, slot.live, kPageTokens,
                       cell_of_slot(i)}};
  }
  if (count > 0) pages[0].key.prefetch();
  if (count > 0) pages[0].value.prefetch();
  for (std::size_t n = 0; n < count; ++n) {
    const auto& [key, value, tokens] = pages[n];
    if (n + 1 < count) pages[n + 1].key.prefetch();
    const Queries sealed = queries_of(tokens.cell).sealed;
    key.codec->score_rows(sealed, key.bytes, view.scores, view.scratch);
    if (key.origins != nullptr) key.codec->add_origins(sealed, *key.origins, view.scores);
    if (n + 1 < count) pages[n + 1].value.prefetch();
    value.codec->accumulate_rows(view.step(tokens), value.bytes, view.scratch);
  }
  if (chunk + 1 == reading.chunks()) {
    // Tokens that no row sees are left out.
    const std::size_t start = own_page * kPageTokens;
    const std::size_t seen = (block.position + block.tokens - start + kLanes - 1) / kLanes * kLanes;
    view.attend_exact(queries.exact, {start, kAllTokens, seen, cell_of_slot(slots_seen(head, own_page))},
                      staging.page(KvSide::kKeys, block.kv_head, own_page),
                      staging.page(KvSide::kValues, block.kv_head, own_page), kPageTokens);
  }
}

void Attention::write_out(const Cache& cache, std::size_t layer, const AttendBatch& batch, const AttendBlock& block,
                          const SoftmaxRows& rows) const {
  const std::size_t group = shape_.group();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    float* from = rows.out + r * rows.size;
    cache.kernels().scale(from, 1.0F / rows.sums[r], rows.size);
    if (cache.values(layer).rotation() != nullptr) cache.values(layer).rotation()->invert(cache.kernels(), from);
    const std::size_t token = block.token + r / group;
    std::copy_n(from, rows.size,
                batch.out + token * batch.out_stride + (block.kv_head * group + r % group) * rows.size);
  }
}

void Attention::run_blocks(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                           const AttendBatch& batch, std::span<const AttendBlock> blocks) {
  pool.run(blocks.size(), [&](std::size_t task, std::size_t w) {
    // The last blocks see the most tokens, so they are started first.
    const AttendBlock& block = blocks[blocks.size() - 1 - task];
    Worker& worker = workers_[w];
    const std::size_t rows = block.tokens * shape_.group();
    const SoftmaxRows part = worker.part.rows(0, rows);
    const SoftmaxRows total = worker.total.rows(0, rows);
    reset(total);
    float* observed = nullptr;
    if (observation_.counts(block)) {
      const std::size_t needed = observation_.scores_size(rows);
      if (worker.observed.size() < needed) worker.observed = Buffer<float>(2 * needed);
      observed = worker.observed.data();
      std::fill_n(observed, needed, kUnseen);
    }
    const Reading reading = {slots_seen(cache.slots(layer, block.kv_head), block.position / kPageTokens), nullptr};
    for (std::size_t chunk = 0; chunk < reading.chunks(); ++chunk) {
      attend_chunk(cache, staging, layer, block, reading, chunk, worker, part, observed);
      merge(cache.kernels(), part, total);
    }
    if (observed != nullptr) observation_.gather_block(cache, block, total, observed);
    write_out(cache, layer, batch, block, total);
  });
}

void Attention::make_readings(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
                              std::span<const AttendBlock> blocks) {
  const bool sparse = batch.sparse && cache.reads_sparsely(layer);
  readings_.resize(blocks.size());
  pool.run(
      blocks.size(),
      [&](std::size_t task) {
        const AttendBlock& block = blocks[task];
        const std::size_t own_page = block.position / kPageTokens;
        readings_[task] = {slots_seen(cache.slots(layer, block.kv_head), own_page), nullptr};
        if (!sparse) return;
        const std::vector<std::uint32_t>& chosen = choices_[task].choose(
            cache, layer, block.kv_head, queries_.of(block).exact, readings_[task].count, own_page);
        readings_[task] = {chosen.size(), chosen.data()};
      },
      sparse);
}

void Attention::run_split(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                          const AttendBatch& batch, std::span<const AttendBlock> blocks) {
  make_readings(cache, pool, layer, batch, blocks);
  std::size_t chunks = 0;
  for (const Reading& reading : readings_) chunks = std::max(chunks, reading.chunks());
  const std::size_t rows = blocks.front().tokens * shape_.group();
  if (split_parts_.blocks() < blocks.size() * chunks) {
    split_parts_ = RowsBuffers(2 * blocks.size() * chunks, kBlockTokens * shape_.group(), shape_.value_size);
  }
  const std::size_t observed_size = observation_.scores_size(rows);
  observed_.assign(blocks.size() * observed_size, kUnseen);
  const auto part_of = [&](std::size_t task) { return split_parts_.rows(task, rows); };
  pool.run(blocks.size() * chunks, [&](std::size_t task, std::size_t w) {
    const AttendBlock& block = blocks[task / chunks];
    // Heads may hold different numbers of slots.
    const Reading& reading = readings_[block.number];
    if (task % chunks >= reading.chunks()) return reset(part_of(task));
    attend_chunk(cache, staging, layer, block, reading, task % chunks, workers_[w], part_of(task),
                 observation_.on() ? &observed_[block.number * observed_size] : nullptr);
  });
  for (const AttendBlock& block : blocks) {
    const SoftmaxRows total = workers_.front().total.rows(0, rows);
    reset(total);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk)
      merge(cache.kernels(), part_of(block.number * chunks + chunk), total);
    if (observation_.on()) observation_.gather_block(cache, block, total, &observed_[block.number * observed_size]);
    write_out(cache, layer, batch, block, total);
  }
}

void Attention::run(Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                    const AttendBatch& batch) {
  const std::vector<AttendBlock> blocks = blocks_of(batch, shape_.kv_heads);
  queries_.prepare(cache, pool, layer, batch, blocks);
  observation_.begin(cache, layer, batch, blocks);
  shifts_.find(cache, layer, batch.position + batch.tokens);
  if (blocks.size() == shape_.kv_heads) {
    run_split(cache, staging, pool, layer, batch, blocks);
  } else {
    run_blocks(cache, staging, pool, layer, batch, blocks);
  }
  if (observation_.on()) observation_.finish(cache, layer, blocks);
}

}  // namespace pith::kv
