#include "weights/matmul.h"

#include <algorithm>
#include <vector>

#include "weights/low_rank.h"

namespace pith::weights {
namespace {

/// Bytes of weights per decode task: large enough to hide the cost of claiming it and to be read as one stream, small
/// enough to balance the threads.
constexpr std::size_t kTaskBytesMin = std::size_t{32} << 10;
constexpr std::size_t kTaskBytesMax = std::size_t{256} << 10;
constexpr std::size_t kTasksAThread = 4;
/// Bytes of activation rows per block, which stay in the L2 cache while a task goes through its panels.
constexpr std::size_t kRowBlockBytes = std::size_t{384} << 10;

/// Multiplies panels [first, last) with a single row, two panels at a time.
void multiply_row(const kernels::KernelTable& kernels, const kernels::Activations& x, const Product& product,
                  std::size_t first, std::size_t last) {
  const PackedMatrix& matrix = *product.matrix;
  const auto format = static_cast<std::size_t>(matrix.format());
  const std::size_t panel_bytes = matrix.bytes() / matrix.panels();
  for (std::size_t panel = first; panel < last; panel += 2) {
    float* out = product.out + panel * kernels::kLanes;
    if (panel + 1 < last) {
      kernels.matvec[format](matrix.panel(panel), panel_bytes, x, out);
    } else {
      kernels.matmul[format](matrix.panel(panel), x, out, product.stride);
    }
  }
}

/// How the product of one matrix is cut into tasks.
class Cut {
 public:
  Cut(const kernels::Activations& x, const PackedMatrix& matrix, std::size_t task_bytes, const PanelShare& share = {})
      : first_(share.first(matrix.panels())), last_(share.last(matrix.panels())) {
    const std::size_t element = x.codes != nullptr ? 1 : sizeof(float);
    rows_fit_ =
        std::max(kernels::kTileRows, kRowBlockBytes / (x.columns * element) / kernels::kTileRows * kernels::kTileRows);
    const std::size_t panel_bytes = std::max<std::size_t>(1, matrix.bytes() / matrix.panels());
    // An even number, because a single row is multiplied with two panels at a time.
    const std::size_t fit = x.rows > rows_fit_ ? 8 : x.rows > 4 ? 2 : (task_bytes / panel_bytes + 1) / 2 * 2;
    panels_per_task_ = std::clamp<std::size_t>(fit, 1, matrix.panels());
  }

  std::size_t tasks() const { return (last_ - first_ + panels_per_task_ - 1) / panels_per_task_; }
  std::size_t first_panel(std::size_t task) const { return first_ + task * panels_per_task_; }
  std::size_t last_panel(std::size_t task) const { return std::min(last_, first_panel(task + 1)); }
  /// Rows of activations that stay in the cache while a task goes through its panels.
  std::size_t rows_fit() const { return rows_fit_; }

 private:
  std::size_t first_, last_;  ///< Panels.
  std::size_t rows_fit_;
  std::size_t panels_per_task_;
};

template <typename Products, typename Bytes>
std::size_t task_bytes_of(const ThreadPool& pool, const Products& products, const Bytes& bytes_of) {
  std::size_t bytes = 0;
  for (const auto& p : products) bytes += bytes_of(p);
  return std::clamp(bytes / (kTasksAThread * static_cast<std::size_t>(pool.size())), kTaskBytesMin, kTaskBytesMax);
}

void run_task(const kernels::KernelTable& kernels, const kernels::Activations& x, const Product& product,
              const Cut& cut, std::size_t task) {
  const PackedMatrix& matrix = *product.matrix;
  const kernels::MatmulKernel kernel = kernels.matmul[static_cast<std::size_t>(matrix.format())];
  const std::size_t last = cut.last_panel(task);
  if (x.rows == 1) return multiply_row(kernels, x, product, cut.first_panel(task), last);
  const auto multiply_block = [&](const kernels::Activations& block, std::size_t row) {
    for (std::size_t panel = cut.first_panel(task); panel < last; ++panel) {
      kernel(matrix.panel(panel), block, product.out + row * product.stride + panel * kernels::kLanes, product.stride);
    }
  };
  if (x.rows <= cut.rows_fit()) return multiply_block(x, 0);
  for (std::size_t row = 0; row < x.rows; row += cut.rows_fit())
    multiply_block(rows_of(x, {row, std::min(cut.rows_fit(), x.rows - row)}), row);
}

}  // namespace

kernels::Activations rows_of(const kernels::Activations& x, RowGroup group) {
  kernels::Activations part = x;
  part.rows = group.rows;
  part.values += group.first * x.stride;
  if (x.codes != nullptr) kernels::skip_tiles(part, group.first / kernels::kTileRows, x.columns / kernels::kGroup);
  return part;
}

QuantizedRows::QuantizedRows(std::size_t rows_max, std::size_t columns_max)
    : codes_(kernels::row_tiles(rows_max) * kernels::kTileRows * columns_max),
      scales_(codes_.size() / kernels::kGroup),
      sums_(scales_.size()),
      half_sums_(2 * scales_.size()),
      residual_counts_(scales_.size() / kernels::kTileRows),
      residual_rows_(scales_.size()),
      residual_codes_(codes_.size()),
      residual_scales_(scales_.size()),
      residual_sums_(2 * scales_.size()) {}

std::size_t QuantizedRows::bytes() const {
  std::size_t bytes = codes_.size() + residual_counts_.size() + residual_rows_.size() + residual_codes_.size() +
                      (scales_.size() + sums_.size() + half_sums_.size() + residual_scales_.size()) * sizeof(float) +
                      residual_sums_.size() * sizeof(std::int32_t);
  for (const Buffer<std::int32_t>& terms : zero_terms_) bytes += terms.size() * sizeof(std::int32_t);
  return bytes;
}

kernels::CodeRows QuantizedRows::destination(std::size_t rows, std::size_t columns, FormatSet readers) {
  kernels::CodeRows to;
  if (!readers.any_quantized()) return to;
  std::fill_n(residual_counts_.data(), kernels::row_tiles(rows) * (columns / kernels::kGroup), std::uint8_t{0});
  to.codes = codes_.data();
  to.scales = scales_.data();
  to.sums = sums_.data();
  to.half_sums = half_sums_.data();
  to.residual = {residual_counts_.data(), residual_rows_.data(), residual_codes_.data(), residual_scales_.data(),
                 residual_sums_.data()};
  for (std::size_t i = 0; i < kernels::kPackedFormats; ++i) {
    const auto format = static_cast<kernels::PackedFormat>(i);
    const kernels::ZeroTerm zero_term = kernels::zero_term_of(format);
    if (!readers.has(format) || zero_term == kernels::ZeroTerm::kNone) continue;
    Buffer<std::int32_t>& memory = zero_terms_[static_cast<std::size_t>(zero_term)];
    if (memory.size() == 0) memory = Buffer<std::int32_t>((kernels::by_half(zero_term) ? 2 : 1) * scales_.size());
    to.zero_terms[static_cast<std::size_t>(zero_term)] = memory.data();
  }
  return to;
}

kernels::Activations QuantizedRows::view(const float* x, std::size_t rows, std::size_t columns, std::size_t stride,
                                         const kernels::CodeRows& written) {
  kernels::Activations view;
  view.values = x;
  view.rows = rows;
  view.columns = columns;
  view.stride = stride;
  view.codes = written.codes;
  view.scales = written.scales;
  view.sums = written.sums;
  view.half_sums = written.half_sums;
  view.residual = written.residual;
  std::copy_n(written.zero_terms, kernels::kZeroTerms, view.zero_terms);
  return view;
}

void multiply_share(const kernels::KernelTable& kernels, ThreadPool& pool, const kernels::Activations& x,
                    std::span<const Product> products, const PanelShare& share) {
  const auto bytes_of = [&](const Product& p) { return p.matrix->bytes() / share.parts; };
  const std::size_t task_bytes = task_bytes_of(pool, products, bytes_of);
  std::size_t tasks = 0;
  for (const Product& p : products) tasks += Cut(x, *p.matrix, task_bytes, share).tasks();
  pool.run(tasks, [&](std::size_t task) {
    const Product* product = products.data();
    Cut cut(x, *product->matrix, task_bytes, share);
    while (task >= cut.tasks()) {
      task -= cut.tasks();
      cut = Cut(x, *(++product)->matrix, task_bytes, share);
    }
    run_task(kernels, x, *product, cut, task);
  });
}

void multiply(const kernels::KernelTable& kernels, ThreadPool& pool, const kernels::Activations& x,
              std::span<const Product> products) {
  multiply_share(kernels, pool, x, products, {});
  const auto adapted = [](const Product& p) { return !p.matrix->added().empty(); };
  if (std::none_of(products.begin(), products.end(), adapted)) return;
  std::vector<GroupProduct> groups;
  groups.reserve(products.size());
  for (const Product& p : products) groups.push_back({x, p});
  add_low_rank(kernels, pool, groups);
}

void multiply(const kernels::KernelTable& kernels, ThreadPool& pool, std::span<const GroupProduct> products) {
  const std::size_t task_bytes =
      task_bytes_of(pool, products, [](const GroupProduct& p) { return p.product.matrix->bytes(); });
  const auto cut_of = [&](const GroupProduct& p) { return Cut(p.x, *p.product.matrix, task_bytes); };
  // There may be hundreds, so that each task's product is searched for and not counted to.
  std::vector<std::size_t> ends;
  ends.reserve(products.size());
  for (const GroupProduct& p : products) ends.push_back((ends.empty() ? 0 : ends.back()) + cut_of(p).tasks());
  if (ends.empty()) return;
  pool.run(ends.back(), [&](std::size_t task) {
    const auto at = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), task) - ends.begin());
    const GroupProduct& p = products[at];
    run_task(kernels, p.x, p.product, cut_of(p), task - (at == 0 ? 0 : ends[at - 1]));
  });
  add_low_rank(kernels, pool, products);
}

}  // namespace pith::weights
