#include "kv/read/attend_queries.h"

#include <algorithm>

namespace pith::kv {

QueryRows::QueryRows(const ScratchLayout& layout, std::size_t rows, std::size_t blocks)
    : size_(layout.key_size), exact_(rows * size_) {
  if (layout.keys_rotated) sealed_ = Buffer<float>(rows * size_);
  reserve_blocks(layout, blocks);
}

void QueryRows::reserve_blocks(const ScratchLayout& layout, std::size_t blocks) {
  if (!layout.split_queries || blocks <= blocks_) return;
  split_ = SplitBuffers(blocks, kBlockTokens * layout.group, size_);
  blocks_ = blocks;
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

BlockQueries TurnedQueries::turned(const Head& head, const BlockQueries& queries, std::ptrdiff_t shift) {
  const std::size_t rows = queries.sealed.rows;
  const std::size_t size = queries.sealed.size;
  if (rows_.empty()) rows_ = QueryRows(layout_, kBlockTokens * layout_.group, 1);
  if (!computed_ || shift_ != shift) {
    float* exact = rows_.exact(0);
    std::copy_n(queries.exact, rows * size, exact);
    for (std::size_t r = 0; r < rows; ++r) head.layer().rotary.turn(exact + r * size, -static_cast<double>(shift));
    rows_.seal(head, 0, rows, 0);
    shift_ = shift;
    computed_ = true;
  }
  return rows_.view(0, rows, size, 0);
}

}  // namespace pith::kv
