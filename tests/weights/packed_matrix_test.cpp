#include "weights/packed_matrix.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include "base/half.h"
#include "kernels/code_memory.h"
#include "kernels/select.h"
#include "weights/dequantize.h"
#include "weights/matmul.h"

namespace pith::weights {
namespace {

using gguf::TensorType;
using gguf::TensorTypeInfo;

/// Random blocks of a type, with scales of realistic size.
std::vector<std::byte> random_weights(const TensorTypeInfo& type, std::size_t rows, std::size_t columns,
                                      std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<std::byte> data(rows * columns / type.block_elements * type.block_bytes);
  if (type.type == TensorType::kF32) {
    for (std::size_t i = 0; i < data.size(); i += 4) {
      const float x = normal(engine);
      std::memcpy(&data[i], &x, 4);
    }
    return data;
  }
  const auto put_half = [&](std::size_t at, float x) {
    const std::uint16_t half = type.type == TensorType::kBF16 ? f32_to_bf16(x) : f32_to_f16(x);
    std::memcpy(&data[at], &half, 2);
  };
  if (type.block_elements == 1) {
    for (std::size_t i = 0; i < data.size(); i += 2) put_half(i, normal(engine));
    return data;
  }
  for (std::byte& b : data) b = static_cast<std::byte>(engine());
  // Offsets of the f16 scales in a block.
  const auto scales_at = [&]() -> std::vector<std::size_t> {
    switch (type.type) {
      case TensorType::kQ4_1:
      case TensorType::kQ5_1:
      case TensorType::kQ4_K:
      case TensorType::kQ5_K:
        return {0, 2};
      case TensorType::kQ2_K:
        return {80, 82};
      case TensorType::kQ3_K:
        return {108};
      case TensorType::kQ6_K:
        return {208};
      case TensorType::kTQ1_0:
        return {52};
      case TensorType::kTQ2_0:
        return {64};
      case TensorType::kMXFP4:
      case TensorType::kNVFP4:
      case TensorType::kQ8_K:
      case TensorType::kIQ1_M:
        return {};
      default:
        return {0};
    }
  }();
  for (std::size_t block = 0; block < data.size(); block += type.block_bytes) {
    if (type.type == TensorType::kMXFP4) data[block] = static_cast<std::byte>(110 + engine() % 20);
    if (type.type == TensorType::kQ8_K) {
      const float x = 0.02F * normal(engine);
      std::memcpy(&data[block], &x, 4);
    }
    // The high nibble of an f16 whose low ones are random: a magnitude between 2^-11 and 2^-3.
    if (type.type == TensorType::kIQ1_M) data[block + 55] = std::byte{0x20} | (data[block + 55] & std::byte{0x9F});
    for (const std::size_t at : scales_at) put_half(block + at, 0.02F * normal(engine));
  }
  return data;
}

class EveryType : public testing::TestWithParam<std::size_t> {
 protected:
  const TensorTypeInfo& type() const { return gguf::tensor_type_at(GetParam()); }
};

TEST_P(EveryType, PackedRowsDequantizeBitExactly) {
  ThreadPool pool(2);
  const std::size_t columns = 512;
  for (const std::size_t rows : {1UL, 15UL, 16UL, 17UL, 40UL}) {
    const auto data = random_weights(type(), rows, columns, rows);
    std::vector<float> expected(rows * columns);
    dequantize(type().type, data, expected);
    for (const bool as_f32 : {false, true}) {
      const PackedMatrix matrix(type().type, data, rows, columns, as_f32, pool);
      std::vector<float> row(columns);
      for (std::size_t r = 0; r < rows; ++r) {
        matrix.row(r, row);
        for (std::size_t c = 0; c < columns; ++c) {
          ASSERT_EQ(std::bit_cast<std::uint32_t>(row[c]), std::bit_cast<std::uint32_t>(expected[r * columns + c]))
              << type().name << " row " << r << " column " << c << ": " << row[c] << " for "
              << expected[r * columns + c];
        }
      }
    }
  }
}

/// Returns the activation that the codes stand for.
double value_of(const kernels::Activations& x, std::size_t row, std::size_t column) {
  const std::size_t group = column / kernels::kGroup;
  const std::size_t at = kernels::test::group_at(x.columns / kernels::kGroup, row, group);
  const std::size_t code = at * kernels::kGroup + column % kernels::kGroup;
  const double high = static_cast<double>(x.scales[at]) * x.codes[code];
  const std::size_t tile = row / kernels::kTileRows * (x.columns / kernels::kGroup) + group;
  for (std::size_t slot = tile * kernels::kTileRows; slot < tile * kernels::kTileRows + x.residual.counts[tile];
       ++slot) {
    if (x.residual.rows[slot] != row % kernels::kTileRows) continue;
    return high + static_cast<double>(x.residual.scales[slot]) *
                      x.residual.codes[slot * kernels::kGroup + column % kernels::kGroup];
  }
  return high;
}

/// Compares a product with one in double, computed from the activations as the kernel sees them.
void check_product(const TensorTypeInfo& type, const kernels::KernelTable& kernels, std::size_t rows,
                   std::size_t columns, std::size_t tokens) {
  ThreadPool pool(2);
  const auto data = random_weights(type, rows, columns, tokens * 7 + columns);
  const PackedMatrix matrix(type.type, data, rows, columns, false, pool);
  std::vector<float> w(rows * columns);
  dequantize(type.type, data, w);
  std::mt19937_64 engine(tokens);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> x(tokens * columns);
  for (float& v : x) v = normal(engine);
  // Outliers in some rows, in different groups.
  for (std::size_t m = 0; m < tokens; m += 2) x[m * columns + m * 37 % columns] = 50.0F;
  QuantizedRows quantized(tokens, columns);
  const kernels::Activations view =
      quantized.quantize(kernels, pool, x.data(), tokens, columns, columns, formats_of(matrix));
  const std::size_t stride = (rows + 15) / 16 * 16;
  std::vector<float> out(tokens * stride);
  const Product product{&matrix, out.data(), stride};
  multiply(kernels, pool, view, {&product, 1});
  for (std::size_t m = 0; m < tokens; ++m) {
    for (std::size_t r = 0; r < rows; ++r) {
      double sum = 0;
      double size = 0;
      for (std::size_t c = 0; c < columns; ++c) {
        const double a = matrix.quantized() ? value_of(view, m, c) : static_cast<double>(x[m * columns + c]);
        const double term = a * static_cast<double>(w[r * columns + c]);
        sum += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(static_cast<double>(out[m * stride + r]), sum, 2e-6 * size + 1e-6)
          << type.name << " on " << kernels.name << ", token " << m << " of " << tokens << ", row " << r << ", columns "
          << columns;
    }
  }
}

TEST_P(EveryType, ProductsOfEveryBatchSize) {
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    for (const std::size_t tokens : {95UL, 96UL, 97UL, 200UL}) check_product(type(), *table, 16, 256, tokens);
    for (std::size_t tokens = 1; tokens <= 33; ++tokens)
      check_product(type(), *table, 16, type().block_elements == 256 ? 256 : 64, tokens);
  }
}

TEST_P(EveryType, ProductsOfOddShapes) {
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    const std::size_t unit = type().block_elements;
    for (const std::size_t columns : {unit == 1 ? 33UL : unit, unit == 1 ? 100UL : unit == 32 ? 576UL : 768UL}) {
      for (const std::size_t rows : {1UL, 17UL, 50UL}) check_product(type(), *table, rows, columns, 5);
    }
  }
}

TEST_P(EveryType, ATokenDoesNotSeeItsBatch) {
  const std::size_t columns = 512;
  const std::size_t rows = 32;
  const std::size_t tokens = 31;
  ThreadPool pool(2);
  const auto data = random_weights(type(), rows, columns, 1);
  const PackedMatrix matrix(type().type, data, rows, columns, false, pool);
  std::vector<float> x(tokens * columns);
  std::mt19937_64 engine(3);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  for (float& v : x) v = normal(engine);
  // Outliers: residual planes of the batch must not leak into the single token.
  for (std::size_t m = 0; m < tokens; m += 3) x[m * columns + m * 37 % columns] = 50.0F;
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    QuantizedRows quantized(tokens, columns);
    std::vector<float> together(tokens * rows);
    std::vector<float> alone(rows);
    const Product all{&matrix, together.data(), rows};
    multiply(*table, pool, quantized.quantize(*table, pool, x.data(), tokens, columns, columns, formats_of(matrix)),
             {&all, 1});
    const Product one{&matrix, alone.data(), rows};
    for (std::size_t m = 0; m < tokens; ++m) {
      multiply(*table, pool, quantized.quantize(*table, pool, &x[m * columns], 1, columns, columns, formats_of(matrix)),
               {&one, 1});
      for (std::size_t r = 0; r < rows; ++r) ASSERT_EQ(alone[r], together[m * rows + r]) << table->name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, EveryType, testing::Range(std::size_t{0}, gguf::kTensorTypes),
                         [](const auto& test) { return std::string(gguf::tensor_type_at(test.param).name); });

TEST(Quantize, TakesRowsAsTheyAreMade) {
  ThreadPool pool(3);
  const TensorTypeInfo& type = gguf::type_info(TensorType::kQ4_0);
  const std::size_t columns = 128;
  const std::size_t tokens = 205;
  const PackedMatrix matrix(type.type, random_weights(type, 16, columns, 1), 16, columns, false, pool);
  std::vector<float> rows(tokens * columns);
  std::mt19937_64 engine(5);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  for (float& v : rows) v = normal(engine);
  for (std::size_t m = 0; m < tokens; ++m) rows[m * columns + 40] = 90.0F;
  const auto& kernels = kernels::select_kernels();
  QuantizedRows quantized(tokens, columns);
  const auto product = [&](const kernels::Activations& view) {
    std::vector<float> out(tokens * 16);
    const Product one{&matrix, out.data(), 16};
    multiply(kernels, pool, view, {&one, 1});
    return out;
  };
  const auto there =
      product(quantized.quantize(kernels, pool, rows.data(), tokens, columns, columns, formats_of(matrix)));
  std::vector<float> x(rows.size());
  const auto make_row = [&](std::size_t m) { std::copy_n(&rows[m * columns], columns, &x[m * columns]); };
  EXPECT_EQ(
      product(quantized.quantize(kernels, pool, x.data(), tokens, columns, columns, formats_of(matrix), make_row)),
      there);
}

// Experts' rows lie in tiles of their own, and each group is multiplied with another matrix.
TEST(Multiply, GroupsOfRowsAreWhatTheyAreAlone) {
  ThreadPool pool(3);
  const TensorTypeInfo& type = gguf::type_info(TensorType::kQ4_K);
  const std::size_t columns = 256;
  const std::vector<RowGroup> groups = {{0, 1}, {96, 40}, {192, 200}, {480, 7}};
  std::vector<float> x(487 * columns);
  std::mt19937_64 engine(5);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  for (float& v : x) v = normal(engine);
  for (std::size_t m = 0; m < 487; ++m) x[m * columns + 40] = 90.0F;
  const auto& kernels = kernels::select_kernels();
  std::vector<PackedMatrix> matrices;
  for (const std::size_t rows : {48UL, 16UL, 33UL, 64UL})
    matrices.emplace_back(type.type, random_weights(type, rows, columns, rows), rows, columns, false, pool);
  QuantizedRows quantized(487, columns);
  const kernels::Activations all = quantized.quantize_groups(
      kernels, pool, x.data(), groups, columns, columns, formats_of(matrices.front()), [](std::size_t, std::size_t) {});
  std::vector<std::vector<float>> outs;
  std::vector<GroupProduct> products;
  outs.reserve(groups.size());
  for (std::size_t g = 0; g < groups.size(); ++g) {
    outs.emplace_back(groups[g].rows * 64);
    products.push_back({rows_of(all, groups[g]), {&matrices[g], outs[g].data(), 64}});
  }
  multiply(kernels, pool, products);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    QuantizedRows alone(groups[g].rows, columns);
    std::vector<float> out(outs[g].size());
    const Product one{&matrices[g], out.data(), 64};
    multiply(kernels, pool,
             alone.quantize(kernels, pool, &x[groups[g].first * columns], groups[g].rows, columns, columns,
                            formats_of(matrices[g])),
             {&one, 1});
    EXPECT_EQ(outs[g], out) << g;
  }
}

TEST(Multiply, SeveralMatricesInOneRegion) {
  ThreadPool pool(2);
  const TensorTypeInfo& type = gguf::type_info(TensorType::kQ4_0);
  const std::size_t columns = 64;
  std::vector<PackedMatrix> matrices;
  std::vector<std::vector<float>> outs;
  for (const std::size_t rows : {48UL, 16UL, 33UL}) {
    matrices.emplace_back(type.type, random_weights(type, rows, columns, rows), rows, columns, false, pool);
    outs.emplace_back((rows + 15) / 16 * 16);
  }
  std::vector<float> x(columns, 0.5F);
  QuantizedRows quantized(1, columns);
  const auto& kernels = kernels::select_kernels();
  const kernels::Activations view =
      quantized.quantize(kernels, pool, x.data(), 1, columns, columns, formats_of(matrices.front()));
  std::vector<Product> products;
  for (std::size_t i = 0; i < matrices.size(); ++i) products.push_back({&matrices[i], outs[i].data(), outs[i].size()});
  multiply(kernels, pool, view, products);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    std::vector<float> alone(outs[i].size());
    const Product one{&matrices[i], alone.data(), alone.size()};
    multiply(kernels, pool, view, {&one, 1});
    EXPECT_EQ(alone, outs[i]);
  }
}

}  // namespace
}  // namespace pith::weights
