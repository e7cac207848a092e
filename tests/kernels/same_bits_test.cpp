#define PITH_FUSED
#include "kernels/portable/simd.h"
// This line keeps clang-format from reordering the includes.
#include <gtest/gtest.h>

#include "kernels/code_memory.h"
#include "kernels/generic/level_formats.h"
#include "kernels/random_rows.h"
#include "kernels/select.h"

// Every set with a fused multiply-add must give the same bits as the portable kernels compiled with one (PITH_FUSED).
// So all such sets give the same bits, although no single machine can run them all.
namespace pith::kernels {
namespace fused {
const KernelTable& table();
}
namespace {

using test::CodeMemory;
using test::random_bytes;
using test::random_floats;
using test::SplitMemory;

constexpr std::size_t kColumns = 256;
constexpr std::size_t kTiles = 3;

class SameBits : public testing::TestWithParam<const KernelTable*> {
 protected:
  /// Calls run(table, out) for the reference and for the tested set, and compares the `count` floats bit for bit.
  template <typename Run>
  static void compare(std::size_t count, const Run& run) {
    const KernelTable& reference = fused::table();
    std::vector<std::uint32_t> expected(count);
    std::vector<std::uint32_t> bits(count);
    for (auto [table, out] : {std::pair(&reference, &expected), std::pair(GetParam(), &bits)}) {
      std::vector<float> values(count);
      run(*table, values.data());
      std::memcpy(out->data(), values.data(), count * sizeof(float));
    }
    ASSERT_EQ(bits, expected);
  }
};

/// Quantizes random rows of activations, one of them with an outlier group.
CodeMemory quantized_rows(const KernelTable& kernels, std::size_t rows) {
  auto x = random_floats(rows * kColumns, rows);
  x[x.size() - 40] = 50.0F;
  CodeMemory memory(rows, kColumns);
  kernels.quantize_rows(x.data(), 0, rows, kColumns, memory.view());
  return memory;
}

/// Two panels with finite f16 scales; all other bytes are random.
template <typename Format>
std::vector<std::uint8_t> random_panels() {
  const std::size_t block = Format::kHeaderBytes + Format::kGroups * Format::kGroupBytes;
  const std::size_t blocks = 2 * kColumns / (kGroup * Format::kGroups);
  auto panel = random_bytes(blocks * block, block);
  const auto scales = random_floats(blocks * Format::kHeaderBytes / 2, 5);
  for (std::size_t i = 0; i < scales.size(); ++i) {
    const std::uint16_t half = f32_to_f16(scales[i]);
    const std::size_t per_block = Format::kHeaderBytes / 2;
    std::memcpy(&panel[i / per_block * block + i % per_block * 2], &half, 2);
  }
  return panel;
}

/// Two panels whose blocks are `fill`ed after every byte was set at random.
template <typename Format, typename Fill>
std::vector<std::uint8_t> random_panels(const Fill& fill) {
  const std::size_t block = Format::kHeaderBytes + Format::kGroups * Format::kGroupBytes;
  auto panel = random_bytes(2 * kColumns / (kGroup * Format::kGroups) * block, block);
  for (std::size_t at = 0; at < panel.size(); at += block) fill(&panel[at]);
  return panel;
}

/// Panels of the formats whose scales are not f16.
std::vector<std::uint8_t> random_mxfp4() {
  return random_panels<fused::FormatMXFP4>([](std::uint8_t* block) {
    for (std::size_t r = 2; r < kLanes; ++r) block[r] = static_cast<std::uint8_t>(100 + block[r] % 40);
    block[0] = 0;  // Scales that are subnormal.
    block[1] = 1;
  });
}
std::vector<std::uint8_t> random_nvfp4() {
  return random_panels<fused::FormatNVFP4>([](std::uint8_t* block) {
    for (std::size_t i = 0; i < 2 * kLanes; ++i) block[i] &= 0x7F;
  });
}
std::vector<std::uint8_t> random_q8_k() {
  return random_panels<fused::FormatQ8_K>([](std::uint8_t* block) {
    const auto scales = random_floats(kLanes, block[0]);
    std::memcpy(block, scales.data(), kLanes * sizeof(float));
  });
}

/// A row times two panels at once must equal the row times each of them.
void expect_two_panels_to_be_each(PackedFormat format, const std::vector<std::uint8_t>& panels) {
  const auto kind = static_cast<std::size_t>(format);
  for (const KernelTable* table : runnable_kernels()) {
    CodeMemory x = quantized_rows(*table, 1);
    std::vector<float> both(2 * kLanes);
    std::vector<float> each(2 * kLanes);
    table->matvec[kind](panels.data(), panels.size() / 2, x.activations(1), both.data());
    for (const std::size_t p : {0UL, 1UL}) {
      table->matmul[kind](panels.data() + p * panels.size() / 2, x.activations(1), each.data() + p * kLanes, kLanes);
    }
    EXPECT_EQ(both, each) << table->name;
  }
}

TEST_P(SameBits, Products) {
  const auto check = [](PackedFormat format, const std::vector<std::uint8_t>& panels) {
    for (const std::size_t rows : {1UL, 7UL, 13UL, 100UL}) {
      SCOPED_TRACE(static_cast<int>(format));
      compare(rows * kLanes, [&](const KernelTable& table, float* out) {
        CodeMemory x = quantized_rows(table, rows);
        table.matmul[static_cast<std::size_t>(format)](panels.data(), x.activations(rows), out, kLanes);
      });
    }
    compare(2 * kLanes, [&](const KernelTable& table, float* out) {
      CodeMemory x = quantized_rows(table, 1);
      table.matvec[static_cast<std::size_t>(format)](panels.data(), panels.size() / 2, x.activations(1), out);
    });
    expect_two_panels_to_be_each(format, panels);
  };
  check(PackedFormat::kQ4_0, random_panels<fused::FormatQ4_0>());
  check(PackedFormat::kQ4_1, random_panels<fused::FormatQ4_1>());
  check(PackedFormat::kQ5_0, random_panels<fused::FormatQ5_0>());
  check(PackedFormat::kQ5_1, random_panels<fused::FormatQ5_1>());
  check(PackedFormat::kQ8_0, random_panels<fused::FormatQ8_0>());
  check(PackedFormat::kQ2_K, random_panels<fused::FormatQ2_K>());
  check(PackedFormat::kQ3_K, random_panels<fused::FormatQ3_K>());
  check(PackedFormat::kQ4_K, random_panels<fused::FormatQ4_K>());
  check(PackedFormat::kQ5_K, random_panels<fused::FormatQ5_K>());
  check(PackedFormat::kQ6_K, random_panels<fused::FormatQ6_K>());
  check(PackedFormat::kIQ4_NL, random_panels<fused::FormatIQ4_NL>());
  check(PackedFormat::kIQ4_XS, random_panels<fused::FormatIQ4_XS>());
  check(PackedFormat::kMXFP4, random_mxfp4());
  check(PackedFormat::kNVFP4, random_nvfp4());
  check(PackedFormat::kQ8_K, random_q8_k());
  check(PackedFormat::kIQ3_S, random_panels<fused::FormatIQ3_S>());
  check(PackedFormat::kIQ3_XXS, random_panels<fused::FormatIQ3_XXS>());
  check(PackedFormat::kIQ2, random_panels<fused::FormatIQ2>());
  check(PackedFormat::kIQ1_M, random_panels<fused::FormatIQ1_M>());
  check(PackedFormat::kTQ2_0, random_panels<fused::FormatTQ2_0>());
  check(PackedFormat::kIQ1_S, random_panels<fused::FormatIQ1_S>());
}

/// The same floats in each element type, [columns][16 lanes].
struct Elements {
  std::vector<float> f32 = random_floats(kTiles * kColumns * kLanes, 8);
  std::vector<std::uint16_t> f16, bf16;

  Elements() {
    for (const float v : f32) {
      f16.push_back(f32_to_f16(v * 1e-4F));  // includes subnormals
      bf16.push_back(f32_to_bf16(v));
    }
  }
};

/// Views rows of kColumns floats as float activations.
Activations float_rows(const std::vector<float>& rows) {
  Activations x;
  x.values = rows.data();
  x.rows = rows.size() / kColumns;
  x.columns = kColumns;
  x.stride = kColumns;
  return x;
}

TEST_P(SameBits, FloatProducts) {
  const Elements weights;
  const auto bytes = [](const auto& elements) { return reinterpret_cast<const std::uint8_t*>(elements.data()); };
  for (const auto& [format, panel] :
       {std::pair(PackedFormat::kF32, bytes(weights.f32)), std::pair(PackedFormat::kF16, bytes(weights.f16)),
        std::pair(PackedFormat::kBF16, bytes(weights.bf16))}) {
    compare(7 * kLanes, [&, format = format, panel = panel](const KernelTable& table, float* out) {
      const auto rows = random_floats(7 * kColumns, 7);
      table.matmul[static_cast<std::size_t>(format)](panel, float_rows(rows), out, kLanes);
    });
    const std::size_t panel_bytes = kColumns * kLanes * (format == PackedFormat::kF32 ? 4 : 2);
    compare(2 * kLanes, [&, format = format, panel = panel](const KernelTable& table, float* out) {
      const auto row = random_floats(kColumns, 6);
      table.matvec[static_cast<std::size_t>(format)](panel, panel_bytes, float_rows(row), out);
    });
  }
  const auto x = random_floats(7 * kColumns, 9);
  const std::size_t stride = kTiles * kLanes;
  compare(3 * 7 * stride, [&](const KernelTable& table, float* out) {
    const auto dot = [&](FloatDotKernel kernel, const void* elements, std::size_t element_bytes) {
      kernel({elements, kTiles, kColumns * kLanes * element_bytes}, {x.data(), kColumns, 7, kColumns}, out, stride,
             false);
      out += 7 * stride;
    };
    dot(table.dot_f32, weights.f32.data(), 4);
    dot(table.dot_f16, weights.f16.data(), 2);
    dot(table.dot_bf16, weights.bf16.data(), 2);
  });
}

TEST_P(SameBits, CodeDots) {
  const auto codes = random_bytes(kTiles * kColumns * kLanes, 1);
  const auto levels = random_bytes(32, 2);
  const auto lane_scales = random_bytes(kTiles * kLanes, 3);
  const auto x = random_floats(7 * kColumns, 4);
  for (const bool with_low : {true, false}) {
    for (const auto kernel : {&KernelTable::dot_codes8, &KernelTable::dot_trellis4, &KernelTable::dot_trellis3,
                              &KernelTable::dot_trellis2}) {
      compare(7 * kTiles * kLanes, [&](const KernelTable& table, float* out) {
        SplitMemory split(7, kColumns);
        table.quantize_int16_rows(x.data(), kColumns, 7, kColumns, split.planes());
        SplitRows rows = split.view();
        if (!with_low) rows.low = nullptr;
        TileOutput to;
        to.out = out;
        to.stride = kTiles * kLanes;
        to.lane_scales = {lane_scales.data(), 0.01F};
        to.row_add = x.data();
        (table.*kernel)(codes.data(), kTiles, levels.data(), rows, to);
      });
    }
  }
}

// Every level is at its end, so that no sum can be farther from zero: with columns that a set multiplies as 16-bit
// numbers and with more.
TEST_P(SameBits, CodeDotsOfTheLargestSums) {
  for (const std::size_t columns : {64U, 512U, 576U, 1024U}) {
    for (const int level : {0, 255}) {
      const std::vector<std::uint8_t> codes(columns * kLanes, static_cast<std::uint8_t>(level));
      const std::vector<std::uint8_t> lane_scales(kLanes, 255);
      for (const float value : {1.0F, -1.0F, -0.998F}) {
        // The first column gives the scale, so that others may end just below a multiple of 256.
        std::vector<float> x(columns, value);
        x[0] = 1.0F;
        const float zero = 0.0F;
        compare(kLanes, [&](const KernelTable& table, float* out) {
          SplitMemory split(1, columns);
          table.quantize_int16_rows(x.data(), columns, 1, columns, split.planes());
          TileOutput to;
          to.out = out;
          to.stride = kLanes;
          to.lane_scales = {lane_scales.data(), 0.01F};
          to.row_add = &zero;
          table.dot_codes8(codes.data(), 1, nullptr, split.view(), to);
        });
      }
    }
  }
}

TEST_P(SameBits, Elementwise) {
  const std::size_t length = 256 + 11;
  const auto y = random_floats(length, 2);
  const auto each = [&](const auto& run) {
    compare(length, [&](const KernelTable& table, float* out) {
      const auto x = random_floats(length, 1, 4.0F);
      std::copy(x.begin(), x.end(), out);
      run(table, out);
    });
  };
  each([&](const KernelTable& t, float* x) { t.rms_norm(x, y.data(), length, 1e-5F, x); });
  each([&](const KernelTable& t, float* x) { t.silu_mul(x, y.data(), length); });
  each([&](const KernelTable& t, float* x) { t.gelu_mul(x, y.data(), length); });
  each([&](const KernelTable& t, float* x) { t.clamped_swiglu(x, y.data(), length); });
  each([&](const KernelTable& t, float* x) { t.softcap(x, length, 1.5F); });
  each([&](const KernelTable& t, float* x) { t.sigmoid_mul(x, y.data(), length); });
  each([&](const KernelTable& t, float* x) { t.squared_relu(x, length); });
  each([&](const KernelTable& t, float* x) { t.convolve({y.data(), y.data() + 64, 4, true}, x, {x + 48, 4, 24}); });
  const auto rows = [&](float* x) {
    return StateRows{3, 8, y.data(), y.data() + 8, y.data() + 16, 30, &y[1], &y[2], 2, 0.5F, x + 128, kLanes};
  };
  each([&](const KernelTable& t, float* x) { t.delta_rule(rows(x), x); });
  each([&](const KernelTable& t, float* x) { t.state_space(rows(x), x); });
  for (const std::size_t size : {16UL, 64UL, 128UL, 256UL}) {
    each([&](const KernelTable& t, float* x) { t.hadamard(x, size); });
  }
  each([&](const KernelTable& t, float* x) {
    const auto codes = random_bytes(64, 3);
    t.dot_rows_i8(x, 64, 4, 64, reinterpret_cast<const std::int8_t*>(codes.data()), 0.01F, x + 256);
  });
}

/// Scores, outputs, references and sums of rows in one piece of memory, so that all are compared.
class SoftmaxMemory {
 public:
  static constexpr std::size_t kRows = 17;
  static constexpr std::size_t kLength = 64;
  static constexpr std::size_t kSize = 16;
  static constexpr std::size_t kFloats = kRows * (kLength + kSize + 2);

  explicit SoftmaxMemory(float* out) : out_(out) {
    const auto values = random_floats(kFloats, 1, 3.0F);
    std::copy(values.begin(), values.end(), out);
    for (std::size_t r = 0; r < kRows; ++r) {
      ranges_.push_back({r, kLength - 2 * r});
      sums()[r] = 2.0F;
    }
  }
  SoftmaxStep step() {
    return {out_, kLength, kRows, kLength, ranges_.data(), sums() - kRows, sums(), out_ + kRows * kLength, kSize};
  }
  float* sums() { return out_ + kRows * (kLength + kSize + 1); }

 private:
  float* out_;
  std::vector<TokenRange> ranges_;
};

TEST_P(SameBits, Softmax) {
  compare(SoftmaxMemory::kFloats, [](const KernelTable& table, float* out) {
    SoftmaxMemory memory(out);
    table.softmax_rows(memory.step());
  });
}

TEST_P(SameBits, WeightsOfPages) {
  const auto scales = random_bytes(SoftmaxMemory::kLength, 3);
  for (const bool with_low : {true, false}) {
    const std::size_t codes = SoftmaxMemory::kRows * SoftmaxMemory::kLength;
    compare(SoftmaxMemory::kFloats + SoftmaxMemory::kRows + codes, [&](const KernelTable& table, float* out) {
      SoftmaxMemory memory(out);
      SplitMemory split(SoftmaxMemory::kRows, SoftmaxMemory::kLength);
      SplitPlanes planes = split.planes();
      if (!with_low) planes.low = nullptr;
      table.softmax_quantize_rows(memory.step(), {scales.data(), 0.01F}, planes, out + SoftmaxMemory::kFloats);
      // The kernel leaves scratch in the scores.
      std::fill_n(out, codes, 0.0F);
      float* values = out + SoftmaxMemory::kFloats + SoftmaxMemory::kRows;
      for (std::size_t i = 0; i < codes; ++i) {
        values[i] = split.value(i / SoftmaxMemory::kLength, i % SoftmaxMemory::kLength);
      }
    });
  }
}

std::vector<const KernelTable*> fused_sets() {
  std::vector<const KernelTable*> tables;
  for (const KernelTable* table : runnable_kernels()) {
    if (table != &portable::table()) tables.push_back(table);
  }
  return tables;
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SameBits);
INSTANTIATE_TEST_SUITE_P(Isa, SameBits, testing::ValuesIn(fused_sets()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
