#include "kv/attend.h"

#include <algorithm>
#include <numbers>

#include "kv/chunk_view.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

/// Tokens of a block: enough rows to pay for unpacking a tile, few enough for their scores to stay in the first-level
/// cache.
constexpr std::size_t kBlockTokens = 16;

/// Slots before a query's own page.
std::size_t slots_seen(const HeadSlots& head, std::size_t own_page) {
  std::size_t count = head.slots.size();
  while (count > 0 && !head.slots[count - 1].packed() &&
         static_cast<std::size_t>(head.slots[count - 1].page) >= own_page)
    --count;
  return count;
}

}  // namespace

SplitBuffers::SplitBuffers(std::size_t blocks, std::size_t rows, std::size_t columns)
    : block_rows_(split_plane_bytes(rows, 1) / kernels::kSplitColumns),
      block_bytes_(split_plane_bytes(rows, columns)),
      high_(blocks * block_bytes_),
      low_(blocks * block_bytes_),
      scales_(blocks * block_rows_),
      high_starts_(blocks * block_rows_),
      low_starts_(blocks * block_rows_) {}

kernels::SplitPlanes SplitBuffers::planes(std::size_t block) const {
  const std::size_t row = block * block_rows_;
  return {high_.data() + block * block_bytes_, low_.data() + block * block_bytes_, scales_.data() + row,
          high_starts_.data() + row, low_starts_.data() + row};
}

RowsBuffers::RowsBuffers(std::size_t blocks, std::size_t rows, std::size_t size)
    : blocks_(blocks),
      block_rows_(rows),
      size_(size),
      references_(blocks * rows),
      sums_(blocks * rows),
      out_(blocks * rows * size) {}

SoftmaxRows RowsBuffers::rows(std::size_t block, std::size_t rows) const {
  const std::size_t row = block * block_rows_;
  return {references_.data() + row, sums_.data() + row, out_.data() + row * size_, rows, size_};
}

Attention::Worker::Worker(std::size_t rows, std::size_t value_size)
    : scores(rows * kPageTokens),
      weights(1, rows, kPageTokens),
      row_add(rows + kernels::kSplitRows),
      row_shrink(rows + kernels::kSplitRows),
      ranges(rows),
      part(1, rows, value_size),
      total(1, rows, value_size) {}

PageScratch Attention::Worker::scratch() const { return {weights.planes(0), row_add.data(), row_shrink.data()}; }

Attention::Attention(const Cache& cache, std::size_t tokens_max, int workers) : shape_(cache.shape()) {
  const std::size_t rows = shape_.heads * tokens_max;
  const std::size_t block_rows = kBlockTokens * shape_.group();
  queries_ = Buffer<float>(rows * shape_.key_size);
  if (cache.any_keys_rotated()) sealed_queries_ = Buffer<float>(rows * shape_.key_size);
  if (cache.any_keys_read_split_queries()) {
    // A batch begins and ends anywhere in a block.
    const std::size_t blocks_max = (tokens_max + 2 * (kBlockTokens - 1)) / kBlockTokens;
    split_queries_ = SplitBuffers(shape_.kv_heads * blocks_max, block_rows, shape_.key_size);
  }
  if (cache.sparse().on()) choices_.resize(shape_.kv_heads);
  for (int i = 0; i < workers; ++i) workers_.emplace_back(block_rows, shape_.value_size);
}

std::vector<Attention::Block> Attention::make_blocks(const AttendBatch& batch) const {
  std::vector<Block> blocks;
  for (std::size_t h = 0; h < shape_.kv_heads; ++h) {
    for (std::size_t token = 0; token < batch.tokens;) {
      const std::size_t position = batch.position + token;
      // Block borders at multiples of kBlockTokens never cross a page.
      const std::size_t tokens = std::min(batch.tokens - token, kBlockTokens - position % kBlockTokens);
      blocks.push_back({blocks.size(), h, token, tokens, position});
      token += tokens;
    }
  }
  return blocks;
}

void Attention::prepare_queries(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
                                const std::vector<Block>& blocks) {
  const std::size_t group = shape_.group();
  const std::size_t size = shape_.key_size;
  const kernels::KernelTable& kernels = cache.kernels();
  const Rotation* rotation = cache.keys(layer).rotation();
  // Softmax is done in base 2.
  const float scale = batch.scale * std::numbers::log2e_v<float>;
  pool.run(
      blocks.size(),
      [&](std::size_t task) {
        const Block& block = blocks[task];
        const std::size_t row = (block.kv_head * batch.tokens + block.token) * group;
        float* out = &queries_[row * size];
        for (std::size_t m = block.token; m < block.token + block.tokens; ++m) {
          for (std::size_t g = 0; g < group; ++g, out += size) {
            std::copy_n(batch.queries + m * batch.query_stride + (block.kv_head * group + g) * size, size, out);
            kernels.scale(out, scale, size);
            if (sealed_queries_.size() == 0) continue;
            float* sealed = &sealed_queries_[static_cast<std::size_t>(out - queries_.data())];
            if (rotation != nullptr) {
              cache.key_basis(layer, block.kv_head).apply_to_query(kernels, *rotation, out, sealed);
            } else {
              std::copy_n(out, size, sealed);
            }
          }
        }
        if (!cache.keys(layer).reads_split_queries()) return;
        const Buffer<float>& sealed = sealed_queries_.size() != 0 ? sealed_queries_ : queries_;
        kernels.split_rows(&sealed[row * size], size, block.tokens * group, size, split_queries_.planes(block.number));
      },
      batch.tokens > 4);
}

Attention::BlockQueries Attention::block_queries(const Block& block, std::size_t batch_tokens) const {
  const std::size_t at = (block.kv_head * batch_tokens + block.token) * shape_.group() * shape_.key_size;
  Queries sealed;
  sealed.values = &(sealed_queries_.size() != 0 ? sealed_queries_ : queries_)[at];
  sealed.rows = block.tokens * shape_.group();
  sealed.size = shape_.key_size;
  if (!split_queries_.empty()) {
    const kernels::SplitPlanes planes = split_queries_.planes(block.number);
    sealed.split = {planes.high,       planes.low,  planes.scales, planes.high_starts,
                    planes.low_starts, sealed.rows, sealed.size};
  }
  return {&queries_[at], sealed};
}

void Attention::attend_chunk(const Cache& cache, const Staging& staging, std::size_t layer, const Block& block,
                             const BlockQueries& queries, const Reading& reading, std::size_t chunk, Worker& worker,
                             const SoftmaxRows& rows, float* observed) const {
  reset(rows);
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

  if (chunk == 0 && own_page > 0 && keys.sinks && head.sinks != 0) {
    view.attend_exact(queries.exact, {0, head.sinks, kSinkTokens, 0}, keys.sinks->data(), values.sinks->data(),
                      kSinkTokens);
  }
  const std::size_t end = std::min(reading.count, (chunk + 1) * kChunkPages);
  for (std::size_t n = chunk * kChunkPages; n < end; ++n) {
    const std::size_t i = reading[n];
    const Slot& slot = head.slots[i];
    if (slot.live == 0 || view.before_window(slot)) continue;
    const PageView key = view.keys(slot, keys.pages[i], own_page);
    const PageView value = view.values(slot, values.pages[i], own_page);
    // Pages lie apart, so the processor does not foresee the next one.
    value.prefetch();
    key.codec->score_rows(queries.sealed, key.bytes, view.scores, view.scratch);
    if (key.origins != nullptr) key.codec->add_origins(queries.sealed, *key.origins, view.scores);
    if (n + 1 < end && head.slots[reading[n + 1]].live != 0)
      view.keys(head.slots[reading[n + 1]], keys.pages[reading[n + 1]], own_page).prefetch();
    const std::size_t start = slot.packed() ? 0 : static_cast<std::size_t>(slot.page) * kPageTokens;
    value.codec->absorb_rows(view.step({start, slot.live, kPageTokens, cell_of_slot(i)}), value.bytes, view.scratch);
  }
  if (chunk + 1 == reading.chunks()) {
    // What no row sees is left out.
    const std::size_t start = own_page * kPageTokens;
    const std::size_t seen = (block.position + block.tokens - start + kLanes - 1) / kLanes * kLanes;
    view.attend_exact(queries.exact, {start, kAllTokens, seen, cell_of_slot(slots_seen(head, own_page))},
                      staging.page(KvSide::kKeys, block.kv_head, own_page),
                      staging.page(KvSide::kValues, block.kv_head, own_page), kPageTokens);
  }
}

void Attention::write_out(const Cache& cache, std::size_t layer, const AttendBatch& batch, const Block& block,
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

void Attention::begin_observing(const Cache& cache, std::size_t layer, const AttendBatch& batch,
                                const std::vector<Block>& blocks) {
  const Observers& observers = cache.observers();
  cells_ = 0;
  if (shape_.windows[layer] != 0 || observers.list().empty() || !observers.counts(0, batch.tokens)) return;
  // All heads of a layer are given the same room.
  for (std::size_t h = 0; h < shape_.kv_heads; ++h)
    cells_ = std::max(cells_, cell_of_slot(cache.slots(layer, h).slots.size()) + 1);
  counted_.resize(blocks.size());
  for (const Block& block : blocks) counted_[block.number] = observers.counts(block.token, block.tokens) ? 1 : 0;
  gathered_.resize(blocks.size() * observers.list().size() * cells_ * kPageTokens);
}

void Attention::gather_block(const Cache& cache, const Block& block, const SoftmaxRows& rows, float* scores) {
  const std::size_t part = cache.observers().list().size() * cells_ * kPageTokens;
  gather(cache.kernels(), cache.observers(), {scores, cells_, shape_.group(), block.token}, rows,
         {&gathered_[block.number * part], part});
}

void Attention::finish_observing(Cache& cache, std::size_t layer, const std::vector<Block>& blocks) const {
  const std::size_t part = cells_ * kPageTokens;
  std::vector<Observer>& observers = cache.observers().list();
  for (std::size_t o = 0; o < observers.size(); ++o) {
    for (std::size_t h = 0; h < shape_.kv_heads; ++h) observers[o].fade(layer * shape_.kv_heads + h, cells_);
    for (const Block& block : blocks) {
      if (counted_[block.number] == 0) continue;
      observers[o].take(layer * shape_.kv_heads + block.kv_head,
                        {&gathered_[(block.number * observers.size() + o) * part], part});
    }
    for (std::size_t h = 0; h < shape_.kv_heads; ++h) {
      const HeadSlots& head = cache.slots(layer, h);
      if (head.sinks != 0 && !head.slots.empty() && head.slots.front().page == 0)
        observers[o].move_to_sinks(layer * shape_.kv_heads + h, kSinkTokens);
    }
  }
}

void Attention::run_blocks(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                           const AttendBatch& batch, const std::vector<Block>& blocks) {
  pool.run(blocks.size(), [&](std::size_t task, std::size_t w) {
    // The last blocks see the most tokens: they go first.
    const Block& block = blocks[blocks.size() - 1 - task];
    Worker& worker = workers_[w];
    const BlockQueries queries = block_queries(block, batch.tokens);
    const SoftmaxRows part = worker.part.rows(0, queries.sealed.rows);
    const SoftmaxRows total = worker.total.rows(0, queries.sealed.rows);
    reset(total);
    float* observed = nullptr;
    if (cells_ != 0 && counted_[block.number] != 0) {
      const std::size_t needed = cells_ * queries.sealed.rows * kPageTokens;
      if (worker.observed.size() < needed) worker.observed = Buffer<float>(2 * needed);
      observed = worker.observed.data();
      std::fill_n(observed, needed, kUnseen);
    }
    const Reading reading = {slots_seen(cache.slots(layer, block.kv_head), block.position / kPageTokens), nullptr};
    for (std::size_t chunk = 0; chunk < reading.chunks(); ++chunk) {
      attend_chunk(cache, staging, layer, block, queries, reading, chunk, worker, part, observed);
      merge(cache.kernels(), part, total);
    }
    if (observed != nullptr) gather_block(cache, block, total, observed);
    write_out(cache, layer, batch, block, total);
  });
}

void Attention::make_readings(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
                              const std::vector<Block>& blocks) {
  const bool sparse = batch.sparse && cache.reads_sparsely(layer);
  readings_.resize(blocks.size());
  pool.run(
      blocks.size(),
      [&](std::size_t task) {
        const Block& block = blocks[task];
        const std::size_t own_page = block.position / kPageTokens;
        readings_[task] = {slots_seen(cache.slots(layer, block.kv_head), own_page), nullptr};
        if (!sparse) return;
        const std::vector<std::uint32_t>& chosen = choices_[task].choose(
            cache, layer, block.kv_head, block_queries(block, batch.tokens).exact, readings_[task].count, own_page);
        readings_[task] = {chosen.size(), chosen.data()};
      },
      sparse);
}

void Attention::run_split(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                          const AttendBatch& batch, const std::vector<Block>& blocks) {
  make_readings(cache, pool, layer, batch, blocks);
  std::size_t chunks = 0;
  for (const Reading& reading : readings_) chunks = std::max(chunks, reading.chunks());
  const std::size_t rows = blocks.front().tokens * shape_.group();
  if (split_parts_.blocks() < blocks.size() * chunks) {
    split_parts_ = RowsBuffers(2 * blocks.size() * chunks, kBlockTokens * shape_.group(), shape_.value_size);
  }
  const std::size_t observed_size = cells_ * rows * kPageTokens;
  observed_.assign(blocks.size() * observed_size, kUnseen);
  const auto part_of = [&](std::size_t task) { return split_parts_.rows(task, rows); };
  pool.run(blocks.size() * chunks, [&](std::size_t task, std::size_t w) {
    const Block& block = blocks[task / chunks];
    // Heads hold different numbers of slots.
    const Reading& reading = readings_[block.number];
    if (task % chunks >= reading.chunks()) return reset(part_of(task));
    attend_chunk(cache, staging, layer, block, block_queries(block, batch.tokens), reading, task % chunks, workers_[w],
                 part_of(task), cells_ != 0 ? &observed_[block.number * observed_size] : nullptr);
  });
  for (const Block& block : blocks) {
    const SoftmaxRows total = workers_.front().total.rows(0, rows);
    reset(total);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk)
      merge(cache.kernels(), part_of(block.number * chunks + chunk), total);
    if (cells_ != 0) gather_block(cache, block, total, &observed_[block.number * observed_size]);
    write_out(cache, layer, batch, block, total);
  }
}

void Attention::run(Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                    const AttendBatch& batch) {
  const std::vector<Block> blocks = make_blocks(batch);
  prepare_queries(cache, pool, layer, batch, blocks);
  begin_observing(cache, layer, batch, blocks);
  if (blocks.size() == shape_.kv_heads) {
    run_split(cache, staging, pool, layer, batch, blocks);
  } else {
    run_blocks(cache, staging, pool, layer, batch, blocks);
  }
  if (cells_ != 0) finish_observing(cache, layer, blocks);
}

}  // namespace pith::kv
