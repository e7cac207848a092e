#pragma once

#include <cstddef>
#include <vector>

#include "kv/core/layer.h"

namespace pith::kv {

/// Returns the shifts of one KV head after `tokens` tokens, by cell.
std::vector<std::size_t> shifts_of(const HeadSlots& head, std::size_t tokens);

/// By how many positions each cell of a layer moves towards queries that lie past the model's trained length, per KV
/// head, for one batch: by the number of evicted tokens after the cell, so that distances are those among the tokens
/// still held (StreamingLLM, Xiao et al., arXiv 2309.17453, section 3.2). All tokens of a cell move alike. Queries are
/// rotated instead of keys, which stay as they are stored.
class LayerShifts {
 public:
  /// Computes the shifts. `tokens` is the length of the sequence including the batch, whose full pages are sealed
  /// already. Nothing moves up to CacheOptions::trained tokens, or in a layer with a window.
  void find(const Layer& layer, std::size_t trained, std::size_t tokens);
  /// Returns whether nothing moves.
  bool none() const { return shifts_.empty(); }
  std::size_t of(std::size_t kv_head, std::size_t cell) const { return shifts_[kv_head][cell]; }

 private:
  std::vector<std::vector<std::size_t>> shifts_;  ///< [kv_heads][cells]; empty: nothing moves
};

}  // namespace pith::kv
