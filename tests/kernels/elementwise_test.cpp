#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
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

/// Rows of scores page by page, through softmax_rows and in doubles.
class SoftmaxPages {
 public:
  static constexpr std::size_t kSize = 16;

  SoftmaxPages(const KernelTable& kernels, std::size_t rows, std::size_t length)
      : kernels_(kernels),
        length_(length),
        states_(rows, {-std::numeric_limits<float>::infinity(), 0.0F}),
        out_(rows * kSize, 0.0F),
        seen_(rows) {}

  /// Adds to every output element of a row the sum of its probabilities. Ranges: empty for everything.
  void step(const std::vector<float>& scores, const std::vector<TokenRange>& ranges) {
    auto page = scores;
    SoftmaxStep step = {page.data(),    length_,     states_.size(), length_, ranges.empty() ? nullptr : ranges.data(),
                        states_.data(), out_.data(), kSize};
    kernels_.softmax_rows(step);
    for (std::size_t r = 0; r < states_.size(); ++r) {
      const TokenRange range = ranges.empty() ? TokenRange{0, length_} : ranges[r];
      float sum = 0.0F;
      for (std::size_t t = 0; t < length_; ++t) {
        const float p = page[r * length_ + t];
        sum += p;
        if (t >= range.begin && t < range.end) {
          seen_[r].push_back(static_cast<double>(scores[r * length_ + t]));
        } else {
          EXPECT_EQ(p, 0.0F) << "row " << r << " token " << t;
        }
      }
      for (std::size_t i = 0; i < kSize; ++i) out_[r * kSize + i] += sum;
    }
  }

  void expect_sums() const {
    for (std::size_t r = 0; r < states_.size(); ++r) {
      if (seen_[r].empty()) {
        EXPECT_EQ(states_[r].sum, 0.0F);
        EXPECT_EQ(states_[r].max, -std::numeric_limits<float>::infinity());
        continue;
      }
      const double top = *std::max_element(seen_[r].begin(), seen_[r].end());
      double sum = 0;
      for (const double s : seen_[r]) sum += std::exp(s - top);
      EXPECT_EQ(static_cast<double>(states_[r].max), top);
      EXPECT_NEAR(static_cast<double>(states_[r].sum), sum, 1e-5 * sum) << "row " << r;
      for (std::size_t i = 0; i < kSize; ++i) {
        EXPECT_NEAR(static_cast<double>(out_[r * kSize + i]), sum, 1e-5 * sum) << "outputs shrink as the sum does";
      }
    }
  }

 private:
  const KernelTable& kernels_;
  std::size_t length_;
  std::vector<SoftmaxState> states_;
  std::vector<float> out_;
  std::vector<std::vector<double>> seen_;
};

TEST_P(Elementwise, SoftmaxStepsMakeOneSoftmax) {
  for (const std::size_t rows : {1UL, 3UL, 16UL, 17UL, 35UL}) {
    for (const std::size_t length : {16UL, 48UL, 64UL}) {
      SoftmaxPages pages(k(), rows, length);
      std::mt19937_64 engine(rows * length);
      for (std::size_t p = 0; p < 5; ++p) {
        std::vector<TokenRange> ranges;
        if (p % 2 != 0) {
          for (std::size_t r = 0; r < rows; ++r) {
            const std::size_t begin = engine() % (length + 1);
            ranges.push_back({begin, begin + engine() % (length + 1 - begin)});
          }
        }
        pages.step(random_floats(rows * length, engine(), 6.0F), ranges);
      }
      pages.expect_sums();
    }
  }
}

TEST_P(Elementwise, SoftmaxOfNothing) {
  SoftmaxPages pages(k(), 2, 64);
  pages.step(std::vector<float>(128, 3.0F), {{0, 0}, {64, 64}});
  pages.expect_sums();
  pages.step(std::vector<float>(128, 3.0F), {});
  pages.expect_sums();
}

TEST_P(Elementwise, SoftmaxOfNoNumbersIsNoNumber) {
  for (const float bad : {std::nanf(""), INFINITY}) {
    std::vector<float> page(32, 1.0F);
    page[20] = bad;
    SoftmaxState state = {-std::numeric_limits<float>::infinity(), 0.0F};
    std::vector<float> out(16, 0.0F);
    k().softmax_rows({page.data(), 32, 1, 32, nullptr, &state, out.data(), 16});
    EXPECT_TRUE(std::isnan(state.sum)) << bad;
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Elementwise, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
