#pragma once

#include <pith/token.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>

#include "base/thread_pool.h"
#include "kernels/table.h"
#include "kv/core/step.h"
#include "model/row_division.h"
#include "model/spec.h"
#include "model/weights.h"
#include "model/workspace.h"

namespace pith::model {

/// One pass of the tokens of all steps through the layers: what its blocks share.
struct Pass {
  const ModelSpec& spec;
  const ModelWeights& weights;
  const kernels::KernelTable& k;
  ThreadPool& pool;
  Workspace& workspace;
  std::span<const kv::Step> steps;
  std::span<const Token> tokens;  ///< Of all steps, in order.
  /// If it is divided, `steps` and `tokens` are this rank's part, and caches take in `whole_steps`.
  const RowDivision& division;
  std::span<const kv::Step> whole_steps;
  Ranks* ranks = nullptr;

  std::size_t rows() const { return tokens.size(); }
  /// Returns the position of the token of row m.
  std::size_t position_of(std::size_t m) const {
    const auto begins_after = [](std::size_t row, const kv::Step& step) { return row < step.row; };
    const kv::Step& step = *std::prev(std::upper_bound(steps.begin(), steps.end(), m, begins_after));
    return step.position + m - step.row;
  }
};

/// Rows per task of work that is done token by token.
inline constexpr std::size_t kRowsPerTask = 8;

/// Calls row(m) for every m below `rows`, in parallel.
template <typename Row>
void for_rows(ThreadPool& pool, std::size_t rows, const Row& row) {
  pool.run((rows + kRowsPerTask - 1) / kRowsPerTask, [&](std::size_t task) {
    for (std::size_t m = task * kRowsPerTask; m < std::min(rows, (task + 1) * kRowsPerTask); ++m) row(m);
  });
}

/// Makes each row of x [rows, columns] by make_row(m), and returns the rows in the forms that `readers` need.
template <typename MakeRow>
kernels::Activations activations(const Pass& pass, const Buffer<float>& x, std::size_t rows, std::size_t columns,
                                 weights::FormatSet readers, const MakeRow& make_row) {
  return pass.workspace.buffers.quantized.quantize(pass.k, pass.pool, x.data(), rows, columns, padded(columns), readers,
                                                   make_row);
}

inline void add_bias(const kernels::KernelTable& k, float* row, const Vector& bias) {
  if (!bias.empty()) k.add(row, bias.data(), bias.size());
}

}  // namespace pith::model
