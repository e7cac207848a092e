#include "kv/attend.h"

#include <algorithm>
#include <numbers>

namespace pith::kv {
namespace {

using kernels::kLanes;

/// Tokens of a block: enough rows to pay for unpacking a tile, few enough for their scores to stay in the first-level
/// cache.
constexpr std::size_t kBlockTokens = 16;

/// What the query at `position` sees of the page at page_start.
kernels::TokenRange visible_in_page(std::size_t page_start, std::size_t page_tokens, std::size_t position,
                                    std::size_t window) {
  const std::size_t lowest = first_visible(position, window);
  const std::size_t begin = lowest > page_start ? lowest - page_start : 0;
  const std::size_t end = position + 1 > page_start ? position + 1 - page_start : 0;
  return {std::min(begin, page_tokens), std::min(end, page_tokens)};
}

/// What a query `distance` pages behind a sealed page reads.
struct PageView {
  const Codec* codec;
  const std::byte* bytes;

  void prefetch() const {
    constexpr std::size_t kCacheLine = 64;
    constexpr int kIntoSecondLevel = 2;
    const std::size_t size = codec->page_bytes();
    for (std::size_t i = 0; i < size; i += kCacheLine) __builtin_prefetch(bytes + i, 0, kIntoSecondLevel);
  }
};

PageView view(const Side& side, const Codec& old, const Page& page, std::size_t distance) {
  if (distance <= side.recent_pages()) return {side.recent(), page.recent->data()};
  return {&old, page.old->data()};
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
                             const BlockQueries& queries, std::size_t chunk, Worker& worker,
                             const SoftmaxRows& rows) const {
  reset(rows);
  const std::size_t window = shape_.windows[layer];
  const std::size_t group = shape_.group();
  const std::size_t own_page = block.position / kPageTokens;
  const SidePages& keys = cache.pages(KvSide::kKeys, layer, block.kv_head);
  const SidePages& values = cache.pages(KvSide::kValues, layer, block.kv_head);
  const Codec& old_keys = cache.old_codec(KvSide::kKeys, layer, block.kv_head);
  const FloatCodec& exact_keys = cache.keys(layer).exact();
  const FloatCodec& exact_values = cache.values(layer).exact();
  const PageScratch scratch = worker.scratch();
  float* scores = worker.scores.data();

  // A step over tokens [from, page_tokens) of the page at page_start, whose scores are there.
  const auto step_of = [&](std::size_t page_start, std::size_t from, std::size_t page_tokens) {
    kernels::SoftmaxStep step = {scores,          kPageTokens, rows.rows, page_tokens, nullptr,
                                 rows.references, rows.sums,   rows.out,  rows.size};
    const kernels::TokenRange first = visible_in_page(page_start, page_tokens, block.position, window);
    const kernels::TokenRange last =
        visible_in_page(page_start, page_tokens, block.position + block.tokens - 1, window);
    if (from != 0 || last.begin != 0 || first.end != page_tokens) {
      for (std::size_t r = 0; r < rows.rows; ++r) {
        const kernels::TokenRange seen = visible_in_page(page_start, page_tokens, block.position + r / group, window);
        worker.ranges[r] = {std::max(seen.begin, from), seen.end};
      }
      step.ranges = worker.ranges.data();
    }
    return step;
  };
  // Exact tokens from page_start on.
  const auto attend_exact = [&](std::size_t page_start, const FloatCodec::Tokens& key,
                                const FloatCodec::Tokens& value) {
    exact_keys.score_tokens(queries.exact, rows.rows, key, scores);
    exact_values.absorb_tokens(step_of(page_start, 0, key.count), value);
  };

  if (chunk == 0 && own_page > 0 && keys.sinks.size() != 0) {
    attend_exact(0, {keys.sinks.data(), kSinkTokens, kSinkTokens}, {values.sinks.data(), kSinkTokens, kSinkTokens});
  }
  const auto key_view = [&](std::size_t page) {
    return view(cache.keys(layer), old_keys, keys.pages[page], own_page - page);
  };
  const auto value_view = [&](std::size_t page) {
    return view(cache.values(layer), cache.values(layer).codec(), values.pages[page], own_page - page);
  };
  const std::size_t last = std::min(own_page, (chunk + 1) * kChunkPages - 1);
  for (std::size_t page = chunk * kChunkPages; page <= last; ++page) {
    const std::size_t start = page * kPageTokens;
    if (visible_in_page(start, kPageTokens, block.position, window).begin == kPageTokens) continue;
    if (page == own_page) {
      // What no row sees is left out.
      const std::size_t seen = (block.position + block.tokens - start + kLanes - 1) / kLanes * kLanes;
      attend_exact(start, {staging.page(KvSide::kKeys, block.kv_head, page), kPageTokens, seen},
                   {staging.page(KvSide::kValues, block.kv_head, page), kPageTokens, seen});
    } else {
      const PageView key = key_view(page);
      const PageView value = value_view(page);
      // Pages lie apart, so the processor does not foresee the next one.
      value.prefetch();
      key.codec->score_rows(queries.sealed, key.bytes, scores, scratch);
      if (page + 1 < std::min(own_page, last + 1)) key_view(page + 1).prefetch();
      const std::size_t from = page == 0 && cache.keeps_sinks(layer) ? kSinkTokens : 0;
      value.codec->absorb_rows(step_of(start, from, kPageTokens), value.bytes, scratch);
    }
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
    const std::size_t chunks = block.position / kPageTokens / kChunkPages + 1;
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      attend_chunk(cache, staging, layer, block, queries, chunk, worker, part);
      merge(cache.kernels(), part, total);
    }
    write_out(cache, layer, batch, block, total);
  });
}

void Attention::run_split(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                          const AttendBatch& batch, const std::vector<Block>& blocks) {
  const std::size_t chunks = blocks.front().position / kPageTokens / kChunkPages + 1;
  const std::size_t rows = blocks.front().tokens * shape_.group();
  if (split_parts_.blocks() < blocks.size() * chunks) {
    split_parts_ = RowsBuffers(2 * blocks.size() * chunks, kBlockTokens * shape_.group(), shape_.value_size);
  }
  const auto part_of = [&](std::size_t task) { return split_parts_.rows(task, rows); };
  pool.run(blocks.size() * chunks, [&](std::size_t task, std::size_t w) {
    const Block& block = blocks[task / chunks];
    attend_chunk(cache, staging, layer, block, block_queries(block, batch.tokens), task % chunks, workers_[w],
                 part_of(task));
  });
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const SoftmaxRows total = workers_.front().total.rows(0, rows);
    reset(total);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) merge(cache.kernels(), part_of(b * chunks + chunk), total);
    write_out(cache, layer, batch, blocks[b], total);
  }
}

void Attention::run(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                    const AttendBatch& batch) {
  const std::vector<Block> blocks = make_blocks(batch);
  prepare_queries(cache, pool, layer, batch, blocks);
  if (blocks.size() == shape_.kv_heads) {
    run_split(cache, staging, pool, layer, batch, blocks);
  } else {
    run_blocks(cache, staging, pool, layer, batch, blocks);
  }
}

}  // namespace pith::kv
