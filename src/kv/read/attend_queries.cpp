#include "kv/read/attend_queries.h"

#include <algorithm>
#include <numbers>

namespace pith::kv {
namespace {

/// The largest sizes of any layer.
struct Largest {
  explicit Largest(const Cache& cache) {
    for (const Layer& layer : cache.layers()) {
      heads = std::max(heads, layer.shape().heads);
      kv_heads = std::max(kv_heads, layer.shape().kv_heads);
      group = std::max(group, layer.shape().group());
      key_size = std::max(key_size, layer.shape().key_size);
    }
  }

  std::size_t heads = 0, kv_heads = 0, group = 0, key_size = 0;
};

}  // namespace

QueryRows::QueryRows(const Cache& cache, std::size_t rows, std::size_t blocks) {
  const Largest largest(cache);
  size_ = largest.key_size;
  exact_ = Buffer<float>(rows * size_);
  if (cache.any_keys_rotated()) sealed_ = Buffer<float>(rows * size_);
  if (cache.any_keys_read_split_queries()) split_ = SplitBuffers(blocks, kBlockTokens * largest.group, size_);
}

void QueryRows::seal(const Head& head, std::size_t row, std::size_t rows, std::size_t block) {
  const LayerConfig& layer = head.layer();
  const std::size_t size = layer.shape.key_size;
  const float* from = exact(row);
  if (sealed_.size() != 0) {
    float* sealed = &sealed_[row * size_];
    const HadamardRotation* rotation = layer.keys().rotation();
    for (std::size_t r = 0; r < rows; ++r) {
      if (rotation != nullptr) {
        head.basis.apply_to_query(*layer.kernels, *rotation, from + r * size, sealed + r * size);
      } else {
        std::copy_n(from + r * size, size, sealed + r * size);
      }
    }
    from = sealed;
  }
  if (layer.keys().reads_split_queries())
    layer.kernels->quantize_int16_rows(from, size, rows, size, split_.planes(block));
}

BlockQueries QueryRows::view(std::size_t row, std::size_t rows, std::size_t size, std::size_t block) const {
  Queries sealed;
  sealed.values = &(sealed_.size() != 0 ? sealed_ : exact_)[row * size_];
  sealed.rows = rows;
  sealed.size = size;
  if (!split_.empty()) {
    const kernels::SplitPlanes planes = split_.planes(block);
    sealed.split = {planes.high, planes.low, planes.scales, planes.high_zero_terms, planes.low_zero_terms, rows, size};
  }
  return {&exact_[row * size_], sealed};
}

BatchQueries::BatchQueries(const Cache& cache, std::size_t tokens_max)
    : rows_(cache, Largest(cache).heads * tokens_max, Largest(cache).kv_heads * blocks_max(tokens_max)) {}

void BatchQueries::prepare(const Layer& layer, ThreadPool& pool, const AttendBatch& batch,
                           std::span<const AttendBlock> blocks) {
  shape_ = layer.shape();
  tokens_ = batch.tokens;
  const std::size_t group = shape_.group();
  const std::size_t size = shape_.key_size;
  // Softmax is computed in base 2.
  const float scale = batch.scale * std::numbers::log2e_v<float>;
  pool.run(
      blocks.size(),
      [&](std::size_t task) {
        const AttendBlock& block = blocks[task];
        const std::size_t row = first_row(block);
        float* out = rows_.exact(row);
        for (std::size_t m = block.token; m < block.token + block.tokens; ++m) {
          for (std::size_t g = 0; g < group; ++g, out += size) {
            std::copy_n(batch.queries + m * batch.query_stride + (block.kv_head * group + g) * size, size, out);
            layer.config().kernels->scale(out, scale, size);
          }
        }
        rows_.seal(layer.head(block.kv_head), row, block.tokens * group, block.number);
      },
      batch.tokens > 4);
}

BlockQueries BatchQueries::of(const AttendBlock& block) const {
  return rows_.view(first_row(block), block.tokens * shape_.group(), shape_.key_size, block.number);
}

BlockQueries TurnedQueries::turned(const Cache& cache, const Head& head, const BlockQueries& queries,
                                   std::size_t shift) {
  const std::size_t rows = queries.sealed.rows;
  const std::size_t size = queries.sealed.size;
  if (rows_.empty()) rows_ = QueryRows(cache, kBlockTokens * Largest(cache).group, 1);
  if (shift_ != shift) {
    float* exact = rows_.exact(0);
    std::copy_n(queries.exact, rows * size, exact);
    for (std::size_t r = 0; r < rows; ++r) cache.options().rotary.turn(exact + r * size, -static_cast<double>(shift));
    rows_.seal(head, 0, rows, 0);
    shift_ = shift;
  }
  return rows_.view(0, rows, size, 0);
}

}  // namespace pith::kv
