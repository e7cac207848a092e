#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "base/buffer.h"

namespace pith::kv {

/// What the recurrent layers of one sequence carry from token to token, at its last token: a block of floats for each.
/// A pass makes new blocks and puts them in at its end, so that one that fails leaves the old ones. Copies share
/// blocks, which nobody changes while they are in.
class States {
 public:
  using Block = std::shared_ptr<Buffer<float>>;

  States() = default;
  /// [layers]: floats of each.
  explicit States(std::vector<std::size_t> sizes)
      : sizes_(std::make_shared<const std::vector<std::size_t>>(std::move(sizes))), blocks_(sizes_->size()) {}

  std::size_t layers() const { return blocks_.size(); }
  bool empty() const { return blocks_.empty(); }
  std::size_t size(std::size_t layer) const { return (*sizes_)[layer]; }
  /// Null before the first token: all zeros.
  const float* data(std::size_t layer) const { return blocks_[layer] ? blocks_[layer]->data() : nullptr; }
  const Block& block(std::size_t layer) const { return blocks_[layer]; }
  /// Puts `block` of size(layer) floats in, and what was there in its place.
  void exchange(std::size_t layer, Block& block) noexcept { blocks_[layer].swap(block); }
  void clear() noexcept {
    for (Block& block : blocks_) block.reset();
  }

  std::size_t bytes() const noexcept {
    std::size_t bytes = 0;
    for (const Block& block : blocks_) bytes += block ? block->size() * sizeof(float) : 0;
    return bytes;
  }
  /// Returns bytes() once there are tokens.
  std::size_t bytes_held() const noexcept {
    std::size_t floats = 0;
    for (std::size_t i = 0; i < layers(); ++i) floats += size(i);
    return floats * sizeof(float);
  }

 private:
  std::shared_ptr<const std::vector<std::size_t>> sizes_;
  std::vector<Block> blocks_;  ///< [layers]
};

}  // namespace pith::kv
