#include "kv/attend.h"

#include <algorithm>
#include <array>
#include <numbers>

#include "kv/chunk_view.h"
#include "kv/shifts.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

/// Tokens of a block: enough rows to pay for unpacking a tile, few enough for their scores to stay in the first-level
/// cache.
constexpr std::size_t kBlockTokens = 16;

/// A sealed page as attention comes to it.
struct PageToRead {
  PageView key, value;
  TokensView tokens;
};

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
          }
        }
        seal_queries(cache, layer, block.kv_head, &queries_[row * size], block.tokens * group,
                     sealed_queries_.size() != 0 ? &sealed_queries_[row * size] : nullptr, split_queries_,
                     block.number);
      },
      batch.tokens > 4);
}

void Attention::seal_queries(const Cache& cache, std::size_t layer, std::size_t kv_head, const float* exact,
                             std::size_t rows, float* sealed, const SplitBuffers& split,
                             std::size_t split_block) const {
  const std::size_t size = shape_.key_size;
  const Rotation* rotation = cache.keys(layer).rotation();
  for (std::size_t r = 0; sealed != nullptr && r < rows; ++r) {
    if (rotation != nullptr) {
      cache.key_basis(layer, kv_head).apply_to_query(cache.kernels(), *rotation, exact + r * size, sealed + r * size);
    } else {
      std::copy_n(exact + r * size, size, sealed + r * size);
    }
  }
  if (!cache.keys(layer).reads_split_queries()) return;
  cache.kernels().split_rows(sealed != nullptr ? sealed : exact, size, rows, size, split.planes(split_block));
}

void Attention::find_shifts(const Cache& cache, std::size_t layer, const AttendBatch& batch) {
  shifts_.clear();
  const std::size_t tokens = batch.position + batch.tokens;
  if (shape_.windows[layer] != 0 || tokens <= cache.trained()) return;
  std::size_t largest = 0;
  for (std::size_t h = 0; h < shape_.kv_heads; ++h) {
    shifts_.push_back(shifts_of(cache, layer, h, tokens));
    largest = std::max(largest, *std::max_element(shifts_.back().begin(), shifts_.back().end()));
  }
  if (largest == 0) shifts_.clear();
}

Attention::BlockQueries Attention::turned_queries(const Cache& cache, std::size_t layer, const Block& block,
                                                  const BlockQueries& queries, std::size_t shift,
                                                  Worker& worker) const {
  const std::size_t rows = queries.sealed.rows;
  const std::size_t size = shape_.key_size;
  if (worker.turned.size() == 0) {
    const std::size_t rows_max = kBlockTokens * shape_.group();
    worker.turned = Buffer<float>(rows_max * size);
    if (sealed_queries_.size() != 0) worker.turned_sealed = Buffer<float>(rows_max * size);
    if (!split_queries_.empty()) worker.turned_split = SplitBuffers(1, rows_max, size);
  }
  float* sealed = worker.turned_sealed.size() != 0 ? worker.turned_sealed.data() : nullptr;
  if (worker.shift != shift) {
    std::copy_n(queries.exact, rows * size, worker.turned.data());
    for (std::size_t r = 0; r < rows; ++r)
      cache.rotary().turn(worker.turned.data() + r * size, -static_cast<double>(shift));
    seal_queries(cache, layer, block.kv_head, worker.turned.data(), rows, sealed, worker.turned_split, 0);
    worker.shift = shift;
  }
  BlockQueries turned = queries;
  turned.exact = worker.turned.data();
  turned.sealed.values = sealed != nullptr ? sealed : worker.turned.data();
  if (!split_queries_.empty()) {
    const kernels::SplitPlanes planes = worker.turned_split.planes(0);
    turned.sealed.split = {planes.high, planes.low, planes.scales, planes.high_starts, planes.low_starts, rows, size};
  }
  return turned;
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
  worker.shift = 0;
  // Blocks lie between multiples of kBlockTokens, so that it is all of a block that is past the limit.
  const bool past = !shifts_.empty() && block.position / kBlockTokens * kBlockTokens >= cache.trained();
  const auto queries_of = [&](std::size_t cell) {
    const std::size_t shift = past ? shifts_[block.kv_head][cell] : 0;
    return shift == 0 ? queries : turned_queries(cache, layer, block, queries, shift, worker);
  };

  if (chunk == 0 && own_page > 0 && keys.sinks && head.sinks != 0) {
    view.attend_exact(queries_of(0).exact, {0, head.sinks, kSinkTokens, 0}, keys.sinks->data(), values.sinks->data(),
                      kSinkTokens);
  }
  // Pages lie apart, so the processor does not foresee the next one: neither its bytes nor, where not all are read,
  // what leads there. The ways to all of them are gone together.
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
    value.codec->absorb_rows(view.step(tokens), value.bytes, view.scratch);
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
  find_shifts(cache, layer, batch);
  if (blocks.size() == shape_.kv_heads) {
    run_split(cache, staging, pool, layer, batch, blocks);
  } else {
    run_blocks(cache, staging, pool, layer, batch, blocks);
  }
  if (cells_ != 0) finish_observing(cache, layer, blocks);
}

}  // namespace pith::kv
