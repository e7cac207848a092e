#include "kv/attend.h"

#include <algorithm>

namespace pith::kv {
namespace {

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
    for (std::size_t i = 0; i < codec->page_bytes(); i += kCacheLine)
      __builtin_prefetch(bytes + i, 0, kIntoSecondLevel);
  }
};

PageView view(const Side& side, const Codec& old, const Page& page, std::size_t distance) {
  if (distance <= side.recent_pages()) return {side.recent(), page.recent->data()};
  return {&old, page.old->data()};
}

}  // namespace

Attention::Worker::Worker(std::size_t rows, std::size_t value_size)
    : scores(rows * kPageTokens),
      high(rows * kPageTokens),
      low(rows * kPageTokens),
      scales(rows),
      row_add(rows),
      ranges(rows),
      high_sums(rows),
      low_sums(rows),
      part(rows * value_size),
      total(rows * value_size),
      part_state(rows),
      total_state(rows) {}

ProbabilityScratch Attention::Worker::scratch() const {
  return {high.data(), low.data(), scales.data(), high_sums.data(), low_sums.data(), row_add.data()};
}

Attention::Attention(const Cache& cache, std::size_t tokens_max, int workers) : shape_(cache.shape()) {
  const std::size_t rows = shape_.heads * tokens_max;
  queries_ = Buffer<float>(rows * shape_.key_size);
  if (cache.any_keys_rotated()) sealed_queries_ = Buffer<float>(rows * shape_.key_size);
  if (cache.any_keys_read_split_queries()) {
    high_ = Buffer<std::int8_t>(rows * shape_.key_size);
    low_ = Buffer<std::int8_t>(rows * shape_.key_size);
    scales_ = Buffer<float>(rows);
    high_sums_ = Buffer<std::int32_t>(rows);
    low_sums_ = Buffer<std::int32_t>(rows);
  }
  for (int i = 0; i < workers; ++i) workers_.emplace_back(kBlockTokens * shape_.group(), shape_.value_size);
}

std::vector<Attention::Block> Attention::make_blocks(const AttendBatch& batch) const {
  std::vector<Block> blocks;
  for (std::size_t h = 0; h < shape_.kv_heads; ++h) {
    for (std::size_t token = 0; token < batch.tokens;) {
      const std::size_t position = batch.position + token;
      // Block borders at multiples of kBlockTokens never cross a page.
      const std::size_t tokens = std::min(batch.tokens - token, kBlockTokens - position % kBlockTokens);
      blocks.push_back({h, token, tokens, position});
      token += tokens;
    }
  }
  return blocks;
}

void Attention::prepare_queries(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch) {
  const std::size_t group = shape_.group();
  const std::size_t size = shape_.key_size;
  const kernels::KernelTable& kernels = cache.kernels();
  constexpr std::size_t kTokensPerTask = 16;
  const std::size_t parts = (batch.tokens + kTokensPerTask - 1) / kTokensPerTask;
  pool.run(
      shape_.kv_heads * parts,
      [&](std::size_t task) {
        const std::size_t h = task / parts;
        const std::size_t first = task % parts * kTokensPerTask;
        const std::size_t last = std::min(batch.tokens, first + kTokensPerTask);
        const std::size_t row = (h * batch.tokens + first) * group;
        float* out = &queries_[row * size];
        for (std::size_t m = first; m < last; ++m) {
          for (std::size_t g = 0; g < group; ++g, out += size) {
            std::copy_n(batch.queries + m * batch.query_stride + (h * group + g) * size, size, out);
            kernels.scale(out, batch.scale, size);
            if (sealed_queries_.size() == 0) continue;
            float* sealed = &sealed_queries_[static_cast<std::size_t>(out - queries_.data())];
            if (const Rotation* rotation = cache.keys(layer).rotation(); rotation != nullptr) {
              cache.key_basis(layer, h).apply_to_query(kernels, *rotation, out, sealed);
            } else {
              std::copy_n(out, size, sealed);
            }
          }
        }
        if (!cache.keys(layer).reads_split_queries()) return;
        const Buffer<float>& sealed = sealed_queries_.size() != 0 ? sealed_queries_ : queries_;
        kernels.split_rows(&sealed[row * size], size, (last - first) * group, size, {}, &high_[row * size],
                           &low_[row * size], &scales_[row], &high_sums_[row], &low_sums_[row]);
      },
      batch.tokens > 4);
}

Attention::BlockQueries Attention::block_queries(const Block& block, std::size_t batch_tokens) const {
  const std::size_t rows = shape_.heads * batch_tokens;
  Queries all;
  all.values = sealed_queries_.size() != 0 ? sealed_queries_.data() : queries_.data();
  all.rows = rows;
  all.size = shape_.key_size;
  if (high_.size() != 0) {
    all.split = {high_.data(), low_.data(), scales_.data(), high_sums_.data(), low_sums_.data(), rows, shape_.key_size};
  }
  const std::size_t row = (block.kv_head * batch_tokens + block.token) * shape_.group();
  return {&queries_[row * shape_.key_size], all.slice(row, block.tokens * shape_.group())};
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
  const ProbabilityScratch scratch = worker.scratch();
  float* scores = worker.scores.data();

  // Softmax over tokens [from, page_tokens) of the page at page_start, whose scores are there.
  const auto softmax = [&](std::size_t page_start, std::size_t from, std::size_t page_tokens) {
    kernels::SoftmaxStep step = {scores, kPageTokens, rows.rows, page_tokens, nullptr, rows.state, rows.out, rows.size};
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
    cache.kernels().softmax_rows(step);
  };

  if (chunk == 0 && own_page > 0 && keys.sinks.size() != 0) {
    exact_keys.score_tokens(queries.exact, rows.rows, keys.sinks.data(), kSinkTokens, scores);
    softmax(0, 0, kSinkTokens);
    exact_values.accumulate_tokens(scores, rows.rows, values.sinks.data(), kSinkTokens, rows.out);
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
      exact_keys.score_tokens(queries.exact, rows.rows, staging.page(KvSide::kKeys, block.kv_head, page), kPageTokens,
                              scores);
      softmax(start, 0, kPageTokens);
      exact_values.accumulate_tokens(scores, rows.rows, staging.page(KvSide::kValues, block.kv_head, page), kPageTokens,
                                     rows.out);
    } else {
      const PageView key = key_view(page);
      const PageView value = value_view(page);
      // Pages lie apart, so the processor does not foresee the next one.
      value.prefetch();
      key.codec->score_rows(queries.sealed, key.bytes, scores, scratch);
      if (page + 1 < std::min(own_page, last + 1)) key_view(page + 1).prefetch();
      softmax(start, page == 0 && cache.keeps_sinks(layer) ? kSinkTokens : 0, kPageTokens);
      value.codec->accumulate_rows(scores, rows.rows, value.bytes, rows.out, scratch);
    }
  }
}

void Attention::write_out(const Cache& cache, std::size_t layer, const AttendBatch& batch, const Block& block,
                          const SoftmaxRows& rows) const {
  const std::size_t group = shape_.group();
  for (std::size_t r = 0; r < rows.rows; ++r) {
    float* from = rows.out + r * rows.size;
    cache.kernels().scale(from, 1.0F / rows.state[r].sum, rows.size);
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
    const SoftmaxRows part = {worker.part_state.data(), worker.part.data(), queries.sealed.rows, shape_.value_size};
    const SoftmaxRows total = {worker.total_state.data(), worker.total.data(), queries.sealed.rows, shape_.value_size};
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
  if (split_state_.size() < blocks.size() * chunks * rows) {
    split_state_ = Buffer<kernels::SoftmaxState>(blocks.size() * 2 * chunks * rows);
    split_out_ = Buffer<float>(split_state_.size() * shape_.value_size);
  }
  const auto part_of = [&](std::size_t task) {
    return SoftmaxRows{&split_state_[task * rows], &split_out_[task * rows * shape_.value_size], rows,
                       shape_.value_size};
  };
  pool.run(blocks.size() * chunks, [&](std::size_t task, std::size_t w) {
    const Block& block = blocks[task / chunks];
    attend_chunk(cache, staging, layer, block, block_queries(block, batch.tokens), task % chunks, workers_[w],
                 part_of(task));
  });
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const Worker& worker = workers_.front();
    const SoftmaxRows total = {worker.total_state.data(), worker.total.data(), rows, shape_.value_size};
    reset(total);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) merge(cache.kernels(), part_of(b * chunks + chunk), total);
    write_out(cache, layer, batch, blocks[b], total);
  }
}

void Attention::run(const Cache& cache, const Staging& staging, ThreadPool& pool, std::size_t layer,
                    const AttendBatch& batch) {
  prepare_queries(cache, pool, layer, batch);
  const std::vector<Block> blocks = make_blocks(batch);
  if (blocks.size() == shape_.kv_heads) {
    run_split(cache, staging, pool, layer, batch, blocks);
  } else {
    run_blocks(cache, staging, pool, layer, batch, blocks);
  }
}

}  // namespace pith::kv
