#include <array>
#include <string>
#include <vector>

#include "kernels/common.h"

// Dots over pages of the KV cache, each 64 tokens of 64 elements, cycling through the pages of a context of 4096
// tokens. A decoded token has 3 rows per KV head; 48 rows are those of 16 prompt tokens.
namespace pith::bench {
namespace {

constexpr std::size_t kColumns = 64;
constexpr std::size_t kTiles = 4;
constexpr std::size_t kPages = 64;
constexpr std::size_t kElements = kColumns * kTiles * kernels::kLanes;

struct CodeDot {
  const char* name;
  kernels::CodeDotKernel kernels::KernelTable::*kernel;
  std::size_t bits;
};

constexpr std::array<CodeDot, 4> kCodeDots = {{{"codes8", &kernels::KernelTable::dot_codes8, 8},
                                               {"trellis4", &kernels::KernelTable::dot_trellis4, 4},
                                               {"trellis3", &kernels::KernelTable::dot_trellis3, 3},
                                               {"trellis2", &kernels::KernelTable::dot_trellis2, 2}}};

/// Split rows and their memory.
struct Queries {
  std::size_t rows;
  std::vector<std::int8_t> high, low;
  std::vector<float> scales;
  std::vector<std::int32_t> high_zero_terms, low_zero_terms;

  Queries(const kernels::KernelTable& kernels, std::size_t row_count)
      : rows(row_count),
        high((rows + kernels::kSplitRows) * kernels::kSplitColumns),
        low(high.size()),
        scales(rows + kernels::kSplitRows),
        high_zero_terms(scales.size()),
        low_zero_terms(scales.size()) {
    const std::vector<float> x = some_floats(rows * kColumns);
    kernels.quantize_int16_rows(
        x.data(), kColumns, rows, kColumns,
        {high.data(), low.data(), scales.data(), high_zero_terms.data(), low_zero_terms.data()});
  }
  kernels::SplitRows view(bool two_planes) const {
    return {high.data(),
            two_planes ? low.data() : nullptr,
            scales.data(),
            high_zero_terms.data(),
            two_planes ? low_zero_terms.data() : nullptr,
            rows,
            kColumns};
  }
};

/// Memory for the dots of a page, and the scales of its lanes.
struct Output {
  std::vector<float> out;
  std::vector<std::uint8_t> scale_codes = some_bytes(kTiles * kernels::kLanes);

  std::vector<float> row_add;

  explicit Output(std::size_t rows) : out(rows * kTiles * kernels::kLanes), row_add(rows) {}
  kernels::TileOutput view() {
    kernels::TileOutput to;
    to.out = out.data();
    to.stride = kTiles * kernels::kLanes;
    to.lane_scales = {scale_codes.data(), 1.0F / 65536.0F};
    to.row_add = row_add.data();
    return to;
  }
};

void bench_codes(benchmark::State& state, const kernels::KernelTable& kernels, const CodeDot& dot, std::size_t rows,
                 bool two_planes) {
  const std::size_t page_bytes = kElements * dot.bits / 8;
  const std::vector<std::uint8_t> codes = some_bytes(kPages * page_bytes);
  const std::vector<std::uint8_t> levels = some_bytes(32);
  const Queries queries(kernels, rows);
  Output output(rows);
  const kernels::CodeDotKernel kernel = kernels.*dot.kernel;
  std::size_t page = 0;
  const double products = static_cast<double>(rows * kElements * (two_planes ? 2 : 1));
  repeat(state, {static_cast<double>(page_bytes), 2 * products}, [&] {
    kernel(&codes[page * page_bytes], kTiles, levels.data(), queries.view(two_planes), output.view());
    page = (page + 1) % kPages;
  });
}

struct FloatDot {
  const char* name;
  kernels::FloatDotKernel kernels::KernelTable::*kernel;
  std::size_t bytes;
};

constexpr std::array<FloatDot, 3> kFloatDots = {{{"f32", &kernels::KernelTable::dot_f32, 4},
                                                 {"f16", &kernels::KernelTable::dot_f16, 2},
                                                 {"bf16", &kernels::KernelTable::dot_bf16, 2}}};

void bench_floats(benchmark::State& state, const kernels::KernelTable& kernels, const FloatDot& dot, std::size_t rows) {
  const std::size_t page_bytes = kElements * dot.bytes;
  const std::vector<std::uint8_t> elements(kPages * page_bytes);
  const std::vector<float> x = some_floats(rows * kColumns);
  Output output(rows);
  const kernels::FloatDotKernel kernel = kernels.*dot.kernel;
  std::size_t page = 0;
  repeat(state, {static_cast<double>(page_bytes), 2.0 * static_cast<double>(rows * kElements)}, [&] {
    kernel({&elements[page * page_bytes], kTiles, page_bytes / kTiles}, {x.data(), kColumns, rows, kColumns},
           output.out.data(), kTiles * kernels::kLanes, false);
    page = (page + 1) % kPages;
  });
}

/// Queries times the mean of a page's keys, as for choosing pages.
void bench_rows_i8(benchmark::State& state, const kernels::KernelTable& kernels, std::size_t rows) {
  const std::vector<float> x = some_floats(rows * kColumns);
  const std::vector<std::int8_t> y(kColumns, 3);
  std::vector<float> out(rows);
  repeat(state, {static_cast<double>(rows * kColumns * sizeof(float)), 2.0 * static_cast<double>(rows * kColumns)},
         [&] { kernels.dot_rows_i8(x.data(), kColumns, rows, kColumns, y.data(), 0.1F, out.data()); });
}

std::string with_rows(const std::string& name, std::size_t rows) { return name + "/rows:" + std::to_string(rows); }

const bool registered = [] {
  for (const std::size_t rows : {3UL, 48UL}) {
    for (const CodeDot& dot : kCodeDots) {
      for (const bool two_planes : {false, true}) {
        for_each_set(with_rows(std::string("dot_") + dot.name + "/planes:" + (two_planes ? "2" : "1"), rows),
                     [&dot, rows, two_planes](benchmark::State& state, const kernels::KernelTable& kernels) {
                       bench_codes(state, kernels, dot, rows, two_planes);
                     });
      }
    }
    for (const FloatDot& dot : kFloatDots) {
      for_each_set(with_rows(std::string("dot_") + dot.name, rows),
                   [&dot, rows](benchmark::State& state, const kernels::KernelTable& kernels) {
                     bench_floats(state, kernels, dot, rows);
                   });
    }
    for_each_set(with_rows("dot_rows_i8", rows), [rows](benchmark::State& state, const kernels::KernelTable& kernels) {
      bench_rows_i8(state, kernels, rows);
    });
  }
  return true;
}();

}  // namespace
}  // namespace pith::bench
