#include "kv/attend_queries.h"

#include <algorithm>
#include <numbers>

namespace pith::kv {

QueryRows::QueryRows(const Cache& cache, std::size_t rows, std::size_t blocks)
    : size_(cache.shape().key_size), exact_(rows * size_) {
  if (cache.any_keys_rotated()) sealed_ = Buffer<float>(rows * size_);
  if (cache.any_keys_read_split_queries()) split_ = SplitBuffers(blocks, kBlockTokens * cache.shape().group(), size_);
}

void QueryRows::seal(const Cache& cache, std::size_t layer, std::size_t kv_head, std::size_t row, std::size_t rows,
                     std::size_t block) {
  const float* from = &exact_[row * size_];
  if (sealed_.size() != 0) {
    float* sealed = &sealed_[row * size_];
    const HadamardRotation* rotation = cache.keys(layer).rotation();
    for (std::size_t r = 0; r < rows; ++r) {
      if (rotation != nullptr) {
        cache.key_basis(layer, kv_head)
            .apply_to_query(cache.kernels(), *rotation, from + r * size_, sealed + r * size_);
      } else {
        std::copy_n(from + r * size_, size_, sealed + r * size_);
      }
    }
    from = sealed;
  }
  if (cache.keys(layer).reads_split_queries())
    cache.kernels().quantize_int16_rows(from, size_, rows, size_, split_.planes(block));
}

BlockQueries QueryRows::view(std::size_t row, std::size_t rows, std::size_t block) const {
  Queries sealed;
  sealed.values = &(sealed_.size() != 0 ? sealed_ : exact_)[row * size_];
  sealed.rows = rows;
  sealed.size = size_;
  if (!split_.empty()) {
    const kernels::SplitPlanes planes = split_.planes(block);
    sealed.split = {planes.high, planes.low, planes.scales, planes.high_zero_terms, planes.low_zero_terms, rows, size_};
  }
  return {&exact_[row * size_], sealed};
}

BatchQueries::BatchQueries(const Cache& cache, std::size_t tokens_max)
    : group_(cache.shape().group()),
      rows_(cache, cache.shape().heads * tokens_max, cache.shape().kv_heads * blocks_max(tokens_max)) {}

void BatchQueries::prepare(const Cache& cache, ThreadPool& pool, std::size_t layer, const AttendBatch& batch,
                           std::span<const AttendBlock> blocks) {
  tokens_ = batch.tokens;
  const std::size_t size = cache.shape().key_size;
  // Softmax is computed in base 2.
  const float scale = batch.scale * std::numbers::log2e_v<float>;
  pool.run(
      blocks.size(),
      [&](std::size_t task) {
        const AttendBlock& block = blocks[task];
        const std::size_t row = first_row(block);
        float* out = rows_.exact(row);
        for (std::size_t m = block.token; m < block.token + block.tokens; ++m) {
          for (std::size_t g = 0; g < group_; ++g, out += size) {
            std::copy_n(batch.queries + m * batch.query_stride + (block.kv_head * group_ + g) * size, size, out);
            cache.kernels().scale(out, scale, size);
          }
        }
        rows_.seal(cache, layer, block.kv_head, row, block.tokens * group_, block.number);
      },
      batch.tokens > 4);
}

BlockQueries BatchQueries::of(const AttendBlock& block) const {
  return rows_.view(first_row(block), block.tokens * group_, block.number);
}

BlockQueries TurnedQueries::turned(const Cache& cache, std::size_t layer, const AttendBlock& block,
                                   const BlockQueries& queries, std::size_t shift) {
  const std::size_t rows = queries.sealed.rows;
  const std::size_t size = queries.sealed.size;
  if (rows_.empty()) rows_ = QueryRows(cache, kBlockTokens * cache.shape().group(), 1);
  if (shift_ != shift) {
    std::copy_n(queries.exact, rows * size, rows_.exact(0));
    for (std::size_t r = 0; r < rows; ++r) cache.rotary().turn(rows_.exact(r), -static_cast<double>(shift));
    rows_.seal(cache, layer, block.kv_head, 0, rows, 0);
    shift_ = shift;
  }
  return rows_.view(0, rows, 0);
}

}  // namespace pith::kv
