#pragma once

#include <cstddef>
#include <vector>

#include "kv/cache.h"

namespace pith::kv {

/// How many positions nearer a layer's cells are moved, for one batch, to the queries that lie past what the model was
/// trained for, by KV head and cell: by what is missing behind them, so that distances are those among the tokens that
/// are held (StreamingLLM, Xiao et al., arXiv 2309.17453, section 3.2). All tokens of a cell move alike. Queries are
/// turned and keys stay as they are stored.
class LayerShifts {
 public:
  /// `tokens`: of the sequence, the batch, whose pages are sealed already, included.
  void find(const Cache& cache, std::size_t layer, std::size_t tokens);
  /// Whether nothing is moved.
  bool none() const { return shifts_.empty(); }
  std::size_t of(std::size_t kv_head, std::size_t cell) const { return shifts_[kv_head][cell]; }

 private:
  std::vector<std::vector<std::size_t>> shifts_;  ///< [kv_heads][cells]; empty: nothing is moved
};

}  // namespace pith::kv
