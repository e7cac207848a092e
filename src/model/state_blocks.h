#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "kv/core/states.h"
#include "kv/core/step.h"

namespace pith::model {

/// The states that a pass writes for its steps, whose caches take them at its end. What they held until then is kept
/// for the next pass, unless somebody shares it.
class StateBlocks {
 public:
  /// Makes a block for each recurrent layer of each step.
  void begin(std::span<const kv::Step> steps);
  /// Returns the block of `step` for the recurrent layer of that number.
  float* next(std::size_t step, std::size_t layer) const { return blocks_[step * layers_ + layer]->data(); }
  void commit(std::span<const kv::Step> steps) noexcept;

  std::size_t bytes() const;

 private:
  std::size_t layers_ = 0;
  std::vector<kv::States::Block> blocks_;  ///< [steps, layers], and some that are left over.
};

}  // namespace pith::model
