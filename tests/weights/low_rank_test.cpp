#include "weights/low_rank.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "kernels/select.h"
#include "support/random_weights.h"
#include "support/relative_error.h"

namespace pith::weights {
namespace {

constexpr std::size_t kSumRows = 37;
constexpr std::size_t kSumColumns = 64;

/// A matrix with what is added to it, and the sum.
struct Sum {
  PackedMatrix matrix;
  std::vector<float> sum;  ///< [kSumRows, kSumColumns]
};

PackedMatrix packed(const std::vector<float>& values, std::size_t rows, ThreadPool& pool) {
  return {gguf::TensorType::kF32, std::as_bytes(std::span(values)), rows, values.size() / rows, true, pool};
}

Sum random_sum(gguf::TensorType type, const std::vector<std::size_t>& ranks, ThreadPool& pool) {
  test::Random random(3);
  const auto bytes = test::random_weights(random, type, kSumRows, kSumColumns, 0.1F);
  Sum sum{PackedMatrix(type, bytes, kSumRows, kSumColumns, false, pool), std::vector<float>(kSumRows * kSumColumns)};
  for (std::size_t r = 0; r < kSumRows; ++r)
    sum.matrix.row(r, std::span(sum.sum).subspan(r * kSumColumns, kSumColumns));
  for (const std::size_t rank : ranks) {
    const std::vector<float> a = test::random_normal(random, rank * kSumColumns, 0.1F);
    const std::vector<float> b = test::random_normal(random, kSumRows * rank, 0.5F);
    for (std::size_t i = 0; i < sum.sum.size(); ++i) {
      for (std::size_t j = 0; j < rank; ++j)
        sum.sum[i] += b[i / kSumColumns * rank + j] * a[j * kSumColumns + i % kSumColumns];
    }
    sum.matrix.add({packed(a, rank, pool), packed(b, kSumRows, pool)});
  }
  return sum;
}

struct Case {
  gguf::TensorType type;
  /// What int8 activations cost.
  double error_max;
};

class LowRankSum : public testing::TestWithParam<Case> {};

TEST_P(LowRankSum, IsWhatProductsAndRowsAreOf) {
  const kernels::KernelTable& kernels = kernels::select_kernels();
  ThreadPool pool(2);
  const std::size_t stride = 48;
  for (const std::vector<std::size_t>& ranks : {std::vector<std::size_t>{1}, {17}, {4, 33}}) {
    const Sum sum = random_sum(GetParam().type, ranks, pool);
    for (std::size_t r = 0; r < kSumRows; ++r) {
      std::vector<float> row(kSumColumns);
      sum.matrix.row(r, row);
      const std::vector<float> expected(&sum.sum[r * kSumColumns], &sum.sum[r * kSumColumns] + kSumColumns);
      EXPECT_LT(test::relative_error(row, expected), 1e-6);
    }
    std::vector<float> first;
    for (const std::size_t rows : {1UL, 3UL, 12UL, 60UL}) {
      test::Random random(5);
      const std::vector<float> x = test::random_normal(random, rows * kSumColumns, 1.0F);
      QuantizedRows quantized(rows, kSumColumns);
      std::vector<float> out(rows * stride);
      const Product product = {&sum.matrix, out.data(), stride};
      multiply(kernels, pool,
               quantized.quantize(kernels, pool, x.data(), rows, kSumColumns, kSumColumns, formats_of(sum.matrix)),
               {&product, 1});
      std::vector<float> expected(kSumRows);
      for (std::size_t i = 0; i < kSumRows * kSumColumns; ++i)
        expected[i / kSumColumns] += sum.sum[i] * x[i % kSumColumns];
      out.resize(kSumRows);
      EXPECT_LT(test::relative_error(out, expected), GetParam().error_max) << rows;
      if (first.empty()) first = out;
      EXPECT_EQ(out, first) << "however many rows there are: " << rows;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Types, LowRankSum,
                         testing::Values(Case{gguf::TensorType::kF32, 1e-5}, Case{gguf::TensorType::kQ8_0, 2e-2},
                                         Case{gguf::TensorType::kQ4_0, 2e-2}),
                         [](const auto& instance) { return std::string(gguf::type_info(instance.param.type).name); });

}  // namespace
}  // namespace pith::weights
