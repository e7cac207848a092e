#include "kv/softmax_state.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pith::kv {

void reset(const SoftmaxRows& rows) {
  for (std::size_t r = 0; r < rows.rows; ++r) rows.state[r] = {-std::numeric_limits<float>::infinity(), 0.0F};
  std::fill_n(rows.out, rows.rows * rows.size, 0.0F);
}

void merge(const kernels::KernelTable& kernels, const SoftmaxRows& part, const SoftmaxRows& into) {
  for (std::size_t r = 0; r < into.rows; ++r) {
    const kernels::SoftmaxState from = part.state[r];
    kernels::SoftmaxState& to = into.state[r];
    if (from.sum == 0.0F) continue;
    const float max = std::max(from.max, to.max);
    const float keep = to.sum == 0.0F ? 0.0F : std::exp(to.max - max);
    const float take = std::exp(from.max - max);
    float* out = into.out + r * into.size;
    float* added = part.out + r * part.size;
    kernels.scale(out, keep, into.size);
    kernels.scale(added, take, part.size);
    kernels.add(out, added, into.size);
    to = {max, to.sum * keep + from.sum * take};
  }
}

}  // namespace pith::kv
