#include "weights/low_rank.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace pith::weights {
namespace {

using kernels::kLanes;

/// Rows that are multiplied with a panel of b before they are added.
constexpr std::size_t kRowsAtOnce = 4 * kernels::kTileRows;

std::size_t padded_rank(const LowRank& more) { return more.a.panels() * kLanes; }

/// One product with an added matrix, and where its rows a x are.
struct Part {
  const LowRank* more;
  const GroupProduct* to;
  std::size_t at;
};

void multiply_panel(const kernels::KernelTable& kernels, const PackedMatrix& matrix, std::size_t panel,
                    const kernels::Activations& x, float* out, std::size_t stride) {
  kernels.matmul[static_cast<std::size_t>(matrix.format())](matrix.panel(panel), x, out, stride);
}

void add_panel(const kernels::KernelTable& kernels, const Part& part, const float* reduced, std::size_t panel) {
  const Product& product = part.to->product;
  const std::size_t stride = padded_rank(*part.more);
  alignas(64) float sums[kRowsAtOnce * kLanes];
  for (std::size_t row = 0; row < part.to->x.rows; row += kRowsAtOnce) {
    const std::size_t rows = std::min(kRowsAtOnce, part.to->x.rows - row);
    kernels::Activations x;
    x.values = reduced + part.at + row * stride;
    x.rows = rows;
    x.columns = part.more->b.columns();
    x.stride = stride;
    multiply_panel(kernels, part.more->b, panel, x, sums, kLanes);
    for (std::size_t m = 0; m < rows; ++m)
      kernels.add(product.out + (row + m) * product.stride + panel * kLanes, sums + m * kLanes, kLanes);
  }
}

/// Calls run(part, panel) for every panel of a matrix of each part, in parallel.
template <typename Run>
void for_panels(ThreadPool& pool, const std::vector<Part>& parts, PackedMatrix LowRank::*matrix, const Run& run) {
  std::vector<std::size_t> ends;
  ends.reserve(parts.size());
  for (const Part& part : parts) ends.push_back((ends.empty() ? 0 : ends.back()) + (part.more->*matrix).panels());
  pool.run(ends.back(), [&](std::size_t task) {
    const auto i = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), task) - ends.begin());
    run(parts[i], task - (i == 0 ? 0 : ends[i - 1]));
  });
}

}  // namespace

void add_low_rank(const kernels::KernelTable& kernels, ThreadPool& pool, std::span<const GroupProduct> products) {
  std::size_t most = 0;
  for (const GroupProduct& p : products) most = std::max(most, p.product.matrix->added().size());
  // Matrices of several adapters are added in turn, since two threads must not write to the same outputs.
  for (std::size_t adapter = 0; adapter < most; ++adapter) {
    std::vector<Part> parts;
    std::size_t floats = 0;
    for (const GroupProduct& p : products) {
      if (p.product.matrix->added().size() <= adapter || p.x.rows == 0) continue;
      const LowRank& more = p.product.matrix->added()[adapter];
      parts.push_back({&more, &p, floats});
      floats += p.x.rows * padded_rank(more);
    }
    if (parts.empty()) continue;
    Buffer<float> reduced(floats);
    for_panels(pool, parts, &LowRank::a, [&](const Part& part, std::size_t panel) {
      kernels::Activations x = part.to->x;
      x.codes = nullptr;
      multiply_panel(kernels, part.more->a, panel, x, &reduced[part.at + panel * kLanes], padded_rank(*part.more));
    });
    for_panels(pool, parts, &LowRank::b,
               [&](const Part& part, std::size_t panel) { add_panel(kernels, part, reduced.data(), panel); });
  }
}

}  // namespace pith::weights
