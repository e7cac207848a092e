#include "kv/core/softmax_state.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pith::kv {

void reset(const SoftmaxRows& rows) {
  std::fill_n(rows.references, rows.rows, -std::numeric_limits<float>::infinity());
  std::fill_n(rows.sums, rows.rows, 0.0F);
  std::fill_n(rows.out, rows.rows * rows.size, 0.0F);
}

void merge(const kernels::KernelTable& kernels, const SoftmaxRows& part, const SoftmaxRows& into) {
  for (std::size_t r = 0; r < into.rows; ++r) {
    if (part.sums[r] == 0.0F) continue;
    const float reference = std::max(part.references[r], into.references[r]);
    const float keep = into.sums[r] == 0.0F ? 0.0F : std::exp2(into.references[r] - reference);
    const float take = std::exp2(part.references[r] - reference);
    float* out = into.out + r * into.size;
    float* added = part.out + r * part.size;
    kernels.scale(out, keep, into.size);
    kernels.scale(added, take, part.size);
    kernels.add(out, added, into.size);
    into.references[r] = reference;
    into.sums[r] = into.sums[r] * keep + part.sums[r] * take;
  }
}

}  // namespace pith::kv
