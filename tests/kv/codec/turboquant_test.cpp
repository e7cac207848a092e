#include "kv/codec/turboquant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <tuple>
#include <vector>

#include "kernels/select.h"
#include "kv/codec/paper_codecs.h"
#include "kv/codec/random_matrix.h"
#include "kv/codec/scalar_codebook.h"

namespace pith::kv {
namespace {

using namespace test;

constexpr std::size_t kPages = 64;

/// Means over random unit vectors x and y.
struct Errors {
  double mse = 0;            // |x - x~|^2
  double inner_product = 0;  // size * <y, x - x~>^2
  double bias = 0;           // <x, x~> - 1
};

Errors errors_of(const KvCodec& codec, std::size_t first_page = 0, std::size_t pages = kPages) {
  const std::size_t size = codec.shape().size;
  Errors errors;
  double pairs = 0;
  for (std::size_t p = first_page; p < first_page + pages; ++p) {
    const auto x = unit_page(size, 2 * p);
    const auto y = unit_page(size, 2 * p + 1);
    auto back = reconstruct(codec, x);
    for (std::size_t t = 0; t < kTokens; ++t) errors.bias += dot(&x[t * size], &back[t * size], size) - 1.0;
    for (std::size_t i = 0; i < x.size(); ++i) back[i] -= x[i];
    errors.mse += dot(back.data(), back.data(), back.size());
    for (std::size_t n = 0; n < kTokens; n += 4) {
      for (std::size_t t = 0; t < kTokens; ++t, ++pairs) {
        const double error = dot(&y[n * size], &back[t * size], size);
        errors.inner_product += static_cast<double>(size) * error * error;
      }
    }
  }
  errors.mse /= static_cast<double>(pages * kTokens);
  errors.bias /= static_cast<double>(pages * kTokens);
  errors.inner_product /= pairs;
  return errors;
}

/// Means over draws of a codec's matrices, each measured on different pages.
struct Mean {
  double value = 0;
  double standard_error = 0;
};

Mean mean_of(const std::vector<Errors>& draws, double Errors::*value) {
  const auto count = static_cast<double>(draws.size());
  Mean mean;
  for (const Errors& draw : draws) mean.value += draw.*value / count;
  double squares = 0;
  for (const Errors& draw : draws) squares += std::pow(draw.*value - mean.value, 2);
  mean.standard_error = std::sqrt(squares / (count - 1.0) / count);
  return mean;
}

/// Within four standard errors: one comparison in 16,000 fails by chance, and an error of 3 % is detected.
void expect_as_in_theory(const Mean& mean, double expected) {
  EXPECT_NEAR(mean.value, expected, 4.0 * mean.standard_error);
  EXPECT_LT(4.0 * mean.standard_error, 0.03 * expected);
}

class TurboQuant : public testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {
 protected:
  const std::size_t size_ = std::get<0>(GetParam());
  const std::size_t bits_ = std::get<1>(GetParam());
  const CodecShape shape_ = {KvSide::kKeys, size_};
  const kernels::KernelTable& kernels_ = kernels::select_kernels();

  /// The error of Quant_mse by the density of a coordinate.
  double mse(std::size_t bits) const { return static_cast<double>(size_) * sphere_codebook(size_, bits).distortion(); }
  /// Four standard deviations of the mean of <x, x~ - x> if |x~ - x|^2 is `error`.
  double noise(double error) const { return 4.0 * std::sqrt(error / static_cast<double>(size_ * kPages * kTokens)); }
};

TEST_P(TurboQuant, MseIsTheCodebooks) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "many rows of one code path: a mean for builds that are fast";
  const Errors errors = errors_of(*make_turboquant_mse(shape_, kernels_, bits_));
  EXPECT_NEAR(errors.mse, mse(bits_), 0.02 * mse(bits_));
  EXPECT_NEAR(errors.inner_product, mse(bits_), 0.03 * mse(bits_));
  // Levels are the means of their cells: E <x, x~> = E |x~|^2 = 1 - MSE.
  EXPECT_NEAR(errors.bias, -mse(bits_), noise(mse(bits_)));
}

// Theorem 2 with the exact error of QJL: E <y, r~ - r>^2 = |r|^2 (pi / 2 - 1 / size) / size over S. It holds in the
// mean over S, so the test takes a mean too: a single S deviates by a standard deviation of 2 to 4 % at size 64.
TEST_P(TurboQuant, ProdIsUnbiasedWithTheErrorOfItsSketch) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "many draws of one code path: a mean for builds that are fast";
  constexpr std::size_t kPagesEach = 2;
  // Small sizes vary more.
  const std::size_t count = 12288 / size_;
  std::vector<Errors> draws;
  for (std::size_t draw = 0; draw < count; ++draw) {
    const CodecShape shape = {KvSide::kKeys, size_, draw};
    draws.push_back(errors_of(*make_turboquant_prod(shape, kernels_, bits_), draw * kPagesEach, kPagesEach));
  }
  const double expected = (std::numbers::pi / 2.0 - 1.0 / static_cast<double>(size_)) * mse(bits_ - 1);
  expect_as_in_theory(mean_of(draws, &Errors::inner_product), expected);
  expect_as_in_theory(mean_of(draws, &Errors::mse), expected);
  // Without the sketch, the bias would be as large as the MSE with one bit less.
  const Mean bias = mean_of(draws, &Errors::bias);
  EXPECT_NEAR(bias.value, 0.0, 4.0 * bias.standard_error);
  EXPECT_LT(4.0 * bias.standard_error, 0.03 * mse(bits_ - 1));
}

// Draw 0, which caches use, is typical: within four standard deviations of single draws.
TEST_P(TurboQuant, DrawsDifferAndZeroIsOneOfThem) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "many draws of one code path: a spread for builds that are fast";
  std::vector<Errors> draws;
  for (std::size_t draw = 0; draw < 24; ++draw) {
    draws.push_back(errors_of(*make_turboquant_prod({KvSide::kKeys, size_, draw}, kernels_, bits_), 0, 4));
  }
  const Mean others = mean_of({draws.begin() + 1, draws.end()}, &Errors::inner_product);
  const double deviation = others.standard_error * std::sqrt(23.0);
  EXPECT_GT(deviation, 0.2 / static_cast<double>(size_) * others.value);
  EXPECT_NEAR(draws[0].inner_product, others.value, 4.0 * deviation);
}

INSTANTIATE_TEST_SUITE_P(SizesAndBits, TurboQuant,
                         testing::Combine(testing::Values(64, 80, 128, 256), testing::Values(1, 2, 3, 4)));

// Tables of the paper, which rounds 0.03454 to 0.03, 0.009497 to 0.009, and pi / 2 * 0.03 to 0.047.
TEST(TurboQuantPaper, AtSize256) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "many draws of one code path: a mean for builds that are fast";
  constexpr double kMse[] = {0.36, 0.117, 0.034, 0.0094};
  constexpr double kProd[] = {1.57, 0.56, 0.18, 0.054};
  const CodecShape shape = {KvSide::kValues, 256};
  for (std::size_t bits = 1; bits <= 4; ++bits) {
    const auto& kernels = kernels::select_kernels();
    EXPECT_NEAR(errors_of(*make_turboquant_mse(shape, kernels, bits)).mse, kMse[bits - 1], 0.03 * kMse[bits - 1]);
    double prod = 0;
    for (std::size_t draw = 0; draw < 8; ++draw) {
      const auto codec = make_turboquant_prod({KvSide::kValues, 256, draw}, kernels, bits);
      prod += errors_of(*codec, 4 * draw, 4).inner_product / 8.0;
    }
    EXPECT_NEAR(prod, kProd[bits - 1], 0.03 * kProd[bits - 1]);
  }
}

// Algorithm 1 step by step.
TEST(TurboQuantPaper, MseIsRotateRoundRotateBack) {
  const auto& kernels = kernels::select_kernels();
  const auto codec = make_turboquant_mse({KvSide::kKeys, 48}, kernels, 3);
  std::vector<float> rows = unit_page(48, 1);
  for (float& x : rows) x *= 10.0F;
  const auto back = reconstruct(*codec, rows);
  const RandomMatrix rotation = RandomMatrix::orthogonal(48, 1, kernels);
  const ScalarCodebook codebook = sphere_codebook(48, 3);
  std::vector<float> rotated(rows.size());
  rotation.apply(rows.data(), kTokens, rotated.data());
  for (float& x : rotated) x = 10.0F * codebook.levels()[codebook.nearest(x / 10.0F)];
  std::vector<float> expected(rows.size());
  rotation.apply_transposed(rotated.data(), kTokens, expected.data());
  EXPECT_LT(relative_error(expected, back), 1e-6);
}

TEST(RandomMatrix, OrthogonalAndItsTranspose) {
  const auto& kernels = kernels::select_kernels();
  for (std::size_t size = 16; size <= 256; size += 48) {
    const RandomMatrix matrix = RandomMatrix::orthogonal(size, 7, kernels);
    const auto x = kernels::test::random_floats(3 * size, size);
    std::vector<float> there(x.size());
    std::vector<float> back(x.size());
    matrix.apply(x.data(), 3, there.data());
    matrix.apply_transposed(there.data(), 3, back.data());
    EXPECT_LT(relative_error(x, back), 1e-10) << size;
    EXPECT_GT(relative_error(x, there), 0.5) << size;
    EXPECT_NEAR(dot(&there[0], &there[size], size), dot(&x[0], &x[size], size), 1e-3) << size;
  }
}

TEST(RandomMatrix, GaussianElements) {
  const auto& kernels = kernels::select_kernels();
  const RandomMatrix matrix = RandomMatrix::gaussian(128, 7, kernels);
  std::vector<float> identity(128 * 128, 0.0F);
  for (std::size_t i = 0; i < 128; ++i) identity[i * 129] = 1.0F;
  std::vector<float> columns(identity.size());
  std::vector<float> rows(identity.size());
  matrix.apply(identity.data(), 128, columns.data());
  matrix.apply_transposed(identity.data(), 128, rows.data());
  double sums[5] = {};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i], columns[i % 128 * 128 + i / 128]);
    for (int power = 1; power <= 4; ++power) sums[power] += std::pow(static_cast<double>(rows[i]), power);
  }
  constexpr double kMoments[] = {1, 0, 1, 0, 3};
  for (int power = 1; power <= 4; ++power) EXPECT_NEAR(sums[power] / 16384.0, kMoments[power], 0.2) << power;
  EXPECT_NEAR(sums[1] / 16384.0, 0.0, 0.03);
  EXPECT_NEAR(sums[2] / 16384.0, 1.0, 0.04);
}

}  // namespace
}  // namespace pith::kv
