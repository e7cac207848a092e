#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

using test::random_floats;

/// Every test runs once for each instruction set of this processor.
class Elementwise : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
};

TEST_P(Elementwise, RmsNormOfAnyLength) {
  for (std::size_t n = 1; n <= 70; ++n) {
    const auto x = random_floats(n, n);
    const auto w = random_floats(n, n + 1000);
    double squares = 0;
    for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
    const double factor = 1.0 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
    std::vector<float> out(n + 1, 99.0F);
    k().rms_norm(x.data(), w.data(), n, 1e-5F, out.data());
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = static_cast<double>(x[i]) * factor * static_cast<double>(w[i]);
      EXPECT_NEAR(static_cast<double>(out[i]), expected, 2e-6 * (1.0 + std::fabs(expected)));
    }
    EXPECT_EQ(out[n], 99.0F) << "wrote past the end";
  }
}

TEST_P(Elementwise, AddAndScaleOfAnyLength) {
  for (std::size_t n = 1; n <= 40; ++n) {
    auto x = random_floats(n + 1, n);
    const auto before = x;
    const auto y = random_floats(n, n + 1);
    k().add(x.data(), y.data(), n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(x[i], before[i] + y[i]);
    k().scale(x.data(), 0.37F, n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(x[i], (before[i] + y[i]) * 0.37F);
    EXPECT_EQ(x[n], before[n]);
  }
}

TEST_P(Elementwise, Activations) {
  for (std::size_t n : {1UL, 15UL, 16UL, 33UL, 200UL}) {
    const auto gate = random_floats(n, n, 8.0F);
    const auto up = random_floats(n, n + 7);
    auto silu = gate;
    auto gelu = gate;
    k().silu_mul(silu.data(), up.data(), n);
    k().gelu_mul(gelu.data(), up.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const double x = static_cast<double>(gate[i]);
      const double u = static_cast<double>(up[i]);
      EXPECT_NEAR(static_cast<double>(silu[i]), x / (1.0 + std::exp(-x)) * u, 2e-6 * (1.0 + std::fabs(x * u)));
      const double inner = std::sqrt(2.0 / M_PI) * (x + 0.044715 * x * x * x);
      EXPECT_NEAR(static_cast<double>(gelu[i]), 0.5 * x * (1.0 + std::tanh(inner)) * u,
                  2e-6 * (1.0 + std::fabs(x * u)));
    }
  }
}

TEST_P(Elementwise, SigmoidGatesAndSquaredRelu) {
  for (std::size_t n : {1UL, 15UL, 16UL, 33UL, 200UL}) {
    const auto x = random_floats(n, n, 3.0F);
    const auto gate = random_floats(n, n + 7, 8.0F);
    auto gated = x;
    auto squared = x;
    gated.push_back(99.0F);
    squared.push_back(99.0F);
    k().sigmoid_mul(gated.data(), gate.data(), n);
    k().squared_relu(squared.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = static_cast<double>(x[i]) / (1.0 + std::exp(-static_cast<double>(gate[i])));
      EXPECT_NEAR(static_cast<double>(gated[i]), expected, 2e-6 * (1.0 + std::fabs(expected)));
      EXPECT_EQ(squared[i], x[i] > 0.0F ? x[i] * x[i] : 0.0F);
    }
    EXPECT_EQ(gated[n], 99.0F) << "wrote past the end";
    EXPECT_EQ(squared[n], 99.0F) << "wrote past the end";
  }
  float nan = std::numeric_limits<float>::quiet_NaN();
  k().squared_relu(&nan, 1);
  EXPECT_TRUE(std::isnan(nan));
}

TEST_P(Elementwise, ClampedSwiglu) {
  for (std::size_t n : {1UL, 15UL, 16UL, 33UL, 200UL}) {
    const auto gate = random_floats(n, n, 8.0F);
    const auto up = random_floats(n, n + 7, 8.0F);
    auto out = gate;
    out.push_back(99.0F);
    k().clamped_swiglu(out.data(), up.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      const double g = std::min(static_cast<double>(gate[i]), 7.0);
      const double u = std::clamp(static_cast<double>(up[i]), -7.0, 7.0);
      const double expected = g / (1.0 + std::exp(-1.702 * g)) * (u + 1.0);
      EXPECT_NEAR(static_cast<double>(out[i]), expected, 3e-6 * (1.0 + std::fabs(expected)));
    }
    EXPECT_EQ(out[n], 99.0F) << "wrote past the end";
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> up = {1.0F, nan};
  std::vector<float> out = {nan, 1.0F};
  k().clamped_swiglu(out.data(), up.data(), 2);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_TRUE(std::isnan(out[1]));
}

TEST_P(Elementwise, ActivationsOfExtremeValues) {
  std::vector<float> gate = {-1e30F, 1e30F, -200.0F, 200.0F, 0.0F, -0.0F};
  auto gelu = gate;
  const std::vector<float> up(gate.size(), 1.0F);
  k().silu_mul(gate.data(), up.data(), gate.size());
  k().gelu_mul(gelu.data(), up.data(), gelu.size());
  for (const auto* values : {&gate, &gelu}) {
    EXPECT_NEAR((*values)[2], 0.0F, 1e-6F);
    EXPECT_EQ((*values)[3], 200.0F);
    EXPECT_EQ((*values)[1], 1e30F);
    EXPECT_EQ((*values)[4], 0.0F);
  }
  float nan = std::numeric_limits<float>::quiet_NaN();
  const float one = 1.0F;
  k().silu_mul(&nan, &one, 1);
  EXPECT_TRUE(std::isnan(nan)) << "NaN must not be lost on the way to the logits";
}

TEST_P(Elementwise, SoftcapOfAnyLength) {
  for (std::size_t n = 1; n <= 70; ++n) {
    for (const float cap : {0.7F, 30.0F, 50.0F}) {
      // From linear to saturated.
      auto x = random_floats(n, n, n % 2 == 0 ? cap : 4.0F * cap);
      const auto before = x;
      x.push_back(99.0F);
      k().softcap(x.data(), n, cap);
      for (std::size_t i = 0; i < n; ++i) {
        const double wide = static_cast<double>(cap);
        const double expected = wide * std::tanh(static_cast<double>(before[i]) / wide);
        EXPECT_NEAR(static_cast<double>(x[i]), expected, 1e-6 * std::fabs(expected)) << before[i] << " under " << cap;
        EXPECT_LE(std::fabs(x[i]), cap);
      }
      EXPECT_EQ(x[n], 99.0F) << "wrote past the end";
    }
  }
}

TEST_P(Elementwise, SoftcapOfExtremeValues) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::vector<float> x = {kInfinity, -kInfinity, 1e30F, -1e30F, 0.0F, -0.0F, 1e-20F, -1e-20F, std::nanf("")};
  k().softcap(x.data(), x.size(), 50.0F);
  EXPECT_EQ(x[0], 50.0F);
  EXPECT_EQ(x[1], -50.0F);
  EXPECT_EQ(x[2], 50.0F);
  EXPECT_EQ(x[3], -50.0F);
  EXPECT_EQ(x[4], 0.0F);
  EXPECT_EQ(x[5], 0.0F);
  EXPECT_TRUE(std::signbit(x[5]));
  EXPECT_NEAR(x[6], 1e-20F, 1e-26F) << "small values keep their digits";
  EXPECT_NEAR(x[7], -1e-20F, 1e-26F);
  EXPECT_TRUE(std::isnan(x[8]));
}

TEST_P(Elementwise, HadamardIsItsOwnInverseAndKeepsLengths) {
  for (const std::size_t n : {16UL, 32UL, 64UL, 128UL, 256UL}) {
    const auto x = random_floats(n, n);
    auto y = x;
    k().hadamard(y.data(), n);
    for (std::size_t i = 0; i < n; ++i) {
      double expected = 0;
      for (std::size_t j = 0; j < n; ++j)
        expected += (__builtin_popcountll(i & j) % 2 == 0 ? 1.0 : -1.0) * static_cast<double>(x[j]);
      EXPECT_NEAR(static_cast<double>(y[i]), expected / std::sqrt(static_cast<double>(n)), 1e-5);
    }
    k().hadamard(y.data(), n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(y[i], x[i], 1e-5F);
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Elementwise, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
