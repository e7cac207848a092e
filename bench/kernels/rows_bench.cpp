#include <string>
#include <vector>

#include "kernels/common.h"
#include "weights/matmul.h"

// Kernels that work on rows between the products. Bytes count reads and writes; operations count elements.
namespace pith::bench {
namespace {

using kernels::KernelTable;

constexpr std::size_t kLength = 1536;
constexpr std::size_t kPageTokens = 64;
constexpr std::size_t kHeadSize = 64;

/// The work of reading or writing `arrays` arrays of `elements` floats.
Work floats(std::size_t elements, std::size_t arrays) {
  return {static_cast<double>(elements * arrays * sizeof(float)), static_cast<double>(elements)};
}

void bench_quantize(benchmark::State& state, const KernelTable& kernels, std::size_t rows) {
  const std::size_t count = rows * kLength;
  const std::vector<float> x = some_floats(count);
  ThreadPool pool(1);
  weights::QuantizedRows quantized(rows, kLength);
  weights::FormatSet readers;
  readers.add(kernels::PackedFormat::kQ4_0);
  repeat(state, {static_cast<double>(5 * count), static_cast<double>(count)},
         [&] { quantized.quantize(kernels, pool, x.data(), rows, kLength, kLength, readers); });
}

/// Memory for split rows.
struct Planes {
  std::vector<std::int8_t> high, low;
  std::vector<float> scales;
  std::vector<std::int32_t> high_zero_terms, low_zero_terms;

  explicit Planes(std::size_t rows)
      : high((rows + kernels::kSplitRows) * kernels::kSplitColumns),
        low(high.size()),
        scales(rows + kernels::kSplitRows),
        high_zero_terms(scales.size()),
        low_zero_terms(scales.size()) {}
  kernels::SplitPlanes view(bool two_planes) {
    return {high.data(), two_planes ? low.data() : nullptr, scales.data(), high_zero_terms.data(),
            two_planes ? low_zero_terms.data() : nullptr};
  }
};

void bench_split(benchmark::State& state, const KernelTable& kernels, std::size_t rows) {
  const std::size_t count = rows * kHeadSize;
  const std::vector<float> x = some_floats(count);
  Planes planes(rows);
  repeat(state, {static_cast<double>(6 * count), static_cast<double>(count)},
         [&] { kernels.quantize_int16_rows(x.data(), kHeadSize, rows, kHeadSize, planes.view(true)); });
}

/// Rows of scores, copied before each call because softmax overwrites them.
class Scores {
 public:
  explicit Scores(std::size_t rows)
      : start_(some_floats(rows * kPageTokens)),
        scores_(start_.size()),
        out_(rows * kHeadSize),
        references_(rows),
        sums_(rows),
        ranges_(rows, {3, kPageTokens - 5}) {}

  std::size_t size() const { return start_.size(); }
  kernels::SoftmaxStep restart(bool ranges) {
    scores_ = start_;
    references_.assign(references_.size(), 0.0F);
    return {scores_.data(),     kPageTokens,  references_.size(), kPageTokens, ranges ? ranges_.data() : nullptr,
            references_.data(), sums_.data(), out_.data(),        kHeadSize};
  }

 private:
  std::vector<float> start_, scores_, out_, references_, sums_;
  std::vector<kernels::TokenRange> ranges_;
};

void bench_weigh(benchmark::State& state, const KernelTable& kernels, std::size_t rows, bool two_planes) {
  Scores scores(rows);
  Planes planes(rows);
  std::vector<float> shrink(rows);
  const std::vector<std::uint8_t> scale_codes = some_bytes(kPageTokens);
  repeat(state, floats(scores.size(), 2), [&] {
    kernels.softmax_quantize_rows(scores.restart(false), {scale_codes.data(), 1.0F}, planes.view(two_planes),
                                  shrink.data());
  });
}

void bench_softmax(benchmark::State& state, const KernelTable& kernels, std::size_t rows, bool ranges) {
  Scores scores(rows);
  repeat(state, floats(scores.size(), 2), [&] { kernels.softmax_rows(scores.restart(ranges)); });
}

void bench_norm(benchmark::State& state, const KernelTable& kernels) {
  const std::vector<float> x = some_floats(kLength);
  std::vector<float> out(kLength);
  repeat(state, floats(kLength, 3), [&] { kernels.rms_norm(x.data(), x.data(), kLength, 1e-5F, out.data()); });
}

void bench_add(benchmark::State& state, const KernelTable& kernels) {
  std::vector<float> x(kLength);
  const std::vector<float> y(kLength);
  repeat(state, floats(kLength, 3), [&] { kernels.add(x.data(), y.data(), kLength); });
}

void bench_scale(benchmark::State& state, const KernelTable& kernels) {
  std::vector<float> x = some_floats(kLength);
  repeat(state, floats(kLength, 2), [&] { kernels.scale(x.data(), 1.0F, kLength); });
}

/// Gates are copied before each call; otherwise they would shrink from call to call.
void bench_gate(benchmark::State& state, void (*kernel)(float*, const float*, std::size_t)) {
  const std::vector<float> start = some_floats(kLength);
  const std::vector<float> up(kLength, 1.0F);
  std::vector<float> gate(kLength);
  repeat(state, floats(kLength, 3), [&] {
    gate = start;
    kernel(gate.data(), up.data(), kLength);
  });
}

void bench_hadamard(benchmark::State& state, const KernelTable& kernels, std::size_t size) {
  std::vector<float> x = some_floats(size);
  repeat(state, floats(size, 2), [&] { kernels.hadamard(x.data(), size); });
}

void bench_trellis(benchmark::State& state, const KernelTable& kernels, std::size_t members) {
  constexpr std::size_t kLines = 64;
  const std::vector<float> x = some_floats(64 * kLines);
  const std::vector<float> weights(4 * kLines, 1.0F);
  const std::vector<float> levels = some_floats(4 * kernels::kTrellisMembers);
  std::vector<std::uint8_t> codes(64 * kLines);
  repeat(state, {static_cast<double>(9 * x.size()), static_cast<double>(x.size())}, [&] {
    kernels.encode_trellis(x.data(), kernels::kLanes, weights.data(), kLines, levels.data(), members, codes.data());
  });
}

void bench_limit_dots(benchmark::State& state, const KernelTable& kernels) {
  constexpr std::size_t kSteps = 256;
  const std::vector<std::uint8_t> w(64 * kSteps, 1);
  const std::vector<std::int8_t> x(4 * kernels::kLimitRows, 1);
  std::vector<float> out(kernels::kLimitRows * kernels::kLanes);
  const auto products = static_cast<double>(w.size() * kernels::kLimitRows);
  repeat(state, {static_cast<double>(w.size()), 2 * products},
         [&] { kernels.limit_dots(w.data(), kSteps, x.data(), out.data()); });
}

/// 4 KiB fit into the L1 cache; 256 MiB exceed most last-level caches.
void bench_limit_read(benchmark::State& state, const KernelTable& kernels, std::size_t bytes) {
  const Buffer<float> memory(bytes / sizeof(float));
  for (float& x : memory.span()) x = 1.0F;
  repeat(state, floats(memory.size(), 1),
         [&] { benchmark::DoNotOptimize(kernels.limit_read(memory.data(), memory.size())); });
}

template <typename Bench, typename Argument>
void add_with(const std::string& name, const char* what, const Bench& bench,
              std::initializer_list<Argument> arguments) {
  for (const Argument argument : arguments) {
    for_each_set(
        name + "/" + what + ":" + std::to_string(argument),
        [bench, argument](benchmark::State& state, const KernelTable& kernels) { bench(state, kernels, argument); });
  }
}

const bool registered = [] {
  add_with("quantize_rows", "rows", bench_quantize, {1UL, 512UL});
  add_with("quantize_int16_rows", "rows", bench_split, {3UL, 48UL});
  for (const bool two_planes : {false, true}) {
    add_with(std::string("softmax_quantize_rows/planes:") + (two_planes ? "2" : "1"), "rows",
             [two_planes](benchmark::State& state, const KernelTable& kernels, std::size_t rows) {
               bench_weigh(state, kernels, rows, two_planes);
             },
             {3UL, 48UL});
  }
  for (const bool ranges : {false, true}) {
    add_with(std::string("softmax_rows") + (ranges ? "/ranges" : "/whole"), "rows",
             [ranges](benchmark::State& state, const KernelTable& kernels, std::size_t rows) {
               bench_softmax(state, kernels, rows, ranges);
             },
             {3UL, 48UL});
  }
  add_with("hadamard", "size", bench_hadamard, {64UL, 128UL, 256UL});
  add_with("encode_trellis", "members", bench_trellis, {2UL, 4UL, 8UL});
  add_with("limit_read", "bytes", bench_limit_read, {4UL << 10U, 256UL << 20U});
  for_each_set("limit_dots", bench_limit_dots);
  for_each_set("rms_norm", bench_norm);
  for_each_set("add", bench_add);
  for_each_set("scale", bench_scale);
  for_each_set("silu_mul", [](benchmark::State& state, const KernelTable& k) { bench_gate(state, k.silu_mul); });
  for_each_set("gelu_mul", [](benchmark::State& state, const KernelTable& k) { bench_gate(state, k.gelu_mul); });
  return true;
}();

}  // namespace
}  // namespace pith::bench
