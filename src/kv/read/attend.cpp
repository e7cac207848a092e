#include "kv/read/attend.h"

#include <algorithm>
#include <array>

#include "kv/read/chunk_view.h"

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

/// Lists the sealed pages of a chunk that a block reads. Returns how many there are.
template <typename Reading>
std::size_t list_pages(const ChunkView& view, const Head& head, const Reading& reading, std::size_t chunk,
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

/// Normalizes the rows of a block and writes them where the batch wants them.
void write_out(const LayerConfig& layer, const AttendBatch& batch, const AttendBlock& block, const SoftmaxRows& rows) {
  const std::size_t group = layer.shape.group();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    float* from = rows.out + r * rows.size;
    layer.kernels->scale(from, 1.0F / rows.sums[r], rows.size);
    if (layer.values().rotation() != nullptr) layer.values().rotation()->invert(*layer.kernels, from);
    const std::size_t token = block.token + r / group;
    std::copy_n(from, rows.size,
                batch.out + token * batch.out_stride + (block.kv_head * group + r % group) * rows.size);
  }
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

Attention::Attention(const Cache& cache, std::size_t tokens_max, int workers) : queries_(cache, tokens_max) {
  std::size_t kv_heads = 0;
  for (const Layer& layer : cache.layers()) {
    kv_heads = std::max(kv_heads, layer.shape().kv_heads);
    rows_max_ = std::max(rows_max_, kBlockTokens * layer.shape().group());
    value_size_max_ = std::max(value_size_max_, layer.shape().value_size);
  }
  if (cache.options().sparse.on()) choices_.resize(kv_heads);
  for (int i = 0; i < workers; ++i) workers_.emplace_back(rows_max_, value_size_max_);
}

std::size_t Attention::bytes() const {
  std::size_t bytes = queries_.bytes() + split_parts_.bytes() + observed_.capacity() * sizeof(float);
  for (const Worker& worker : workers_) bytes += worker.bytes();
  return bytes;
}

void Attention::attend_chunk(const Source& source, const AttendBlock& block, const Reading& reading, std::size_t chunk,
                             Worker& worker, const SoftmaxRows& rows, float* observed) const {
  reset(rows);
  const BlockQueries queries = queries_.of(block);
  const Head& head = source.layer.head(block.kv_head);
  const HeadSlots& slots = head.slots;
  const std::size_t own_page = block.position / kPageTokens;
  const LayerShape& shape = source.layer.shape();
  ChunkView view(head, {block.position, block.tokens, shape.group(), shape.window});
  view.rows = rows;
  view.ranges = worker.ranges.data();
  view.scores = worker.scores.data();
  view.observed = observed;
  view.scratch = worker.scratch();
  worker.turned.begin();
  // Blocks begin and end at multiples of kBlockTokens, so a block lies past the limit as a whole.
  const bool past = !shifts_.none() && block.position / kBlockTokens * kBlockTokens >= source.cache.options().trained;
  const auto queries_of = [&](std::size_t cell) {
    const std::size_t shift = past ? shifts_.of(block.kv_head, cell) : 0;
    return shift == 0 ? queries : worker.turned.turned(source.cache, head, queries, shift);
  };

  const SealedPage& prefix_keys = head.pages(KvSide::kKeys).exact_prefix;
  if (chunk == 0 && own_page > 0 && prefix_keys && slots.exact_prefix != 0) {
    const SealedPage& prefix_values = head.pages(KvSide::kValues).exact_prefix;
    view.attend_exact(queries_of(kPrefixCell).exact, {0, slots.exact_prefix, kExactPrefixTokens, kPrefixCell},
                      prefix_keys->data(), prefix_values->data(), kExactPrefixTokens);
  }
  // Pages are scattered, so hardware prefetch cannot predict them. Resolve all page pointers first, then prefetch one
  // page ahead.
  std::array<PageToRead, kChunkPages> pages{};
  const std::size_t count = list_pages(view, head, reading, chunk, own_page, pages);
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
    view.attend_exact(queries.exact, {start, kAllTokens, seen, cell_of_slot(slots_seen(slots, own_page))},
                      source.staging.page(KvSide::kKeys, block.kv_head, own_page),
                      source.staging.page(KvSide::kValues, block.kv_head, own_page), kPageTokens);
  }
}

void Attention::run_blocks(const Source& source, ThreadPool& pool, const AttendBatch& batch,
                           std::span<const AttendBlock> blocks) {
  const LayerConfig& layer = source.layer.config();
  pool.run(blocks.size(), [&](std::size_t task, std::size_t w) {
    // The last blocks see the most tokens, so they are started first.
    const AttendBlock& block = blocks[blocks.size() - 1 - task];
    Worker& worker = workers_[w];
    const std::size_t rows = block.tokens * layer.shape.group();
    const SoftmaxRows part = worker.part.rows(0, rows, layer.shape.value_size);
    const SoftmaxRows total = worker.total.rows(0, rows, layer.shape.value_size);
    reset(total);
    float* observed = nullptr;
    if (observation_.counts(block)) {
      const std::size_t needed = observation_.scores_size(rows);
      if (worker.observed.size() < needed) worker.observed = Buffer<float>(2 * needed);
      observed = worker.observed.data();
      std::fill_n(observed, needed, kUnseen);
    }
    const HeadSlots& slots = source.layer.head(block.kv_head).slots;
    const Reading reading = {slots_seen(slots, block.position / kPageTokens), nullptr};
    for (std::size_t chunk = 0; chunk < reading.chunks(); ++chunk) {
      attend_chunk(source, block, reading, chunk, worker, part, observed);
      merge(*layer.kernels, part, total);
    }
    if (observed != nullptr) observation_.gather_block(layer, block, total, observed);
    write_out(layer, batch, block, total);
  });
}

void Attention::make_readings(const Source& source, ThreadPool& pool, const AttendBatch& batch,
                              std::span<const AttendBlock> blocks) {
  const bool sparse = batch.sparse && source.layer.config().reads_sparsely;
  readings_.resize(blocks.size());
  pool.run(
      blocks.size(),
      [&](std::size_t task) {
        const AttendBlock& block = blocks[task];
        const Head& head = source.layer.head(block.kv_head);
        const std::size_t own_page = block.position / kPageTokens;
        readings_[task] = {slots_seen(head.slots, own_page), nullptr};
        if (!sparse) return;
        const std::vector<std::uint32_t>& chosen = choices_[task].choose(
            source.cache.options().sparse, head, queries_.of(block).exact, readings_[task].count, own_page);
        readings_[task] = {chosen.size(), chosen.data()};
      },
      sparse);
}

void Attention::run_split(const Source& source, ThreadPool& pool, const AttendBatch& batch,
                          std::span<const AttendBlock> blocks) {
  const LayerConfig& layer = source.layer.config();
  make_readings(source, pool, batch, blocks);
  std::size_t chunks = 0;
  for (const Reading& reading : readings_) chunks = std::max(chunks, reading.chunks());
  const std::size_t rows = blocks.front().tokens * layer.shape.group();
  if (split_parts_.blocks() < blocks.size() * chunks)
    split_parts_ = RowsBuffers(2 * blocks.size() * chunks, rows_max_, value_size_max_);
  const std::size_t observed_size = observation_.scores_size(rows);
  observed_.assign(blocks.size() * observed_size, kUnseen);
  const auto part_of = [&](std::size_t task) { return split_parts_.rows(task, rows, layer.shape.value_size); };
  pool.run(blocks.size() * chunks, [&](std::size_t task, std::size_t w) {
    const AttendBlock& block = blocks[task / chunks];
    // Heads may hold different numbers of slots.
    const Reading& reading = readings_[block.number];
    if (task % chunks >= reading.chunks()) return reset(part_of(task));
    attend_chunk(source, block, reading, task % chunks, workers_[w], part_of(task),
                 observation_.on() ? &observed_[block.number * observed_size] : nullptr);
  });
  for (const AttendBlock& block : blocks) {
    const SoftmaxRows total = workers_.front().total.rows(0, rows, layer.shape.value_size);
    reset(total);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk)
      merge(*layer.kernels, part_of(block.number * chunks + chunk), total);
    if (observation_.on()) observation_.gather_block(layer, block, total, &observed_[block.number * observed_size]);
    write_out(layer, batch, block, total);
  }
}

void Attention::run(Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer_number,
                    const AttendBatch& batch) {
  const Layer& layer = cache.layer(layer_number);
  const Source source = {cache, layer, staging};
  const std::vector<AttendBlock> blocks = blocks_of(batch, layer.heads().size());
  queries_.prepare(layer, pool, batch, blocks);
  observation_.begin(cache.observers(), layer, batch, blocks);
  shifts_.find(layer, cache.options().trained, batch.position + batch.tokens);
  if (blocks.size() == layer.heads().size()) {
    run_split(source, pool, batch, blocks);
  } else {
    run_blocks(source, pool, batch, blocks);
  }
  if (observation_.on()) observation_.finish(layer, blocks);
}

}  // namespace pith::kv
