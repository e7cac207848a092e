#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

using test::random_floats;
using test::SplitMemory;

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
constexpr std::size_t kSize = 16;

/// Feeds rows of scores page by page to a kernel, and computes the same in double. A token's value is 1, times its
/// scale if it has one, in all kSize elements.
class SoftmaxPages {
 public:
  SoftmaxPages(const KernelTable& kernels, std::size_t rows)
      : kernels_(kernels),
        references_(rows, kMinusInfinity),
        sums_(rows, 0.0F),
        out_(rows * kSize, 0.0F),
        seen_(rows) {}

  std::size_t rows() const { return sums_.size(); }

  /// Calls softmax_rows. Empty ranges: every row sees all tokens.
  void step(const std::vector<float>& scores, std::size_t length, const std::vector<TokenRange>& ranges) {
    auto page = scores;
    kernels_.softmax_rows(make_step(page, length, ranges));
    for (std::size_t r = 0; r < rows(); ++r) {
      float sum = 0.0F;
      for (std::size_t t = 0; t < length; ++t) {
        const float p = page[r * length + t];
        sum += p;
        if (!see(scores[r * length + t], ranges, r, t, 1.0)) {
          EXPECT_EQ(p, 0.0F) << "row " << r << " token " << t;
        }
      }
      for (std::size_t i = 0; i < kSize; ++i) out_[r * kSize + i] += sum;
    }
  }

  /// Calls softmax_quantize_rows, and adds the sums of the codes to the outputs.
  void weigh(const std::vector<float>& scores, const LaneScales& scales, const std::vector<TokenRange>& ranges,
             bool with_low, double exact_error = 1e-5) {
    auto page = scores;
    SplitMemory split(rows(), kSoftmaxPageTokens);
    std::vector<float> shrink(split.scales.size());
    SplitPlanes planes = split.planes();
    if (!with_low) planes.low = nullptr;
    kernels_.softmax_quantize_rows(make_step(page, kSoftmaxPageTokens, ranges), scales, planes, shrink.data());
    for (std::size_t r = 0; r < rows(); ++r) {
      int high = 0;
      int low = 0;
      for (std::size_t t = 0; t < kSoftmaxPageTokens; ++t) {
        const std::int8_t code = split.high[split.at(r, t)];
        high += code;
        low += split.low[split.at(r, t)];
        EXPECT_GE(code, 0);
        const double scale = static_cast<double>(scales.unit) * scales.codes[t] * scales.codes[t];
        const float weight = split.scales[r] * static_cast<float>(256 * code + split.low[split.at(r, t)]);
        const bool seen = see(scores[r * kSoftmaxPageTokens + t], ranges, r, t, scale);
        if (seen && scales.codes[t] != 0) {
          const double exact =
              std::exp2(static_cast<double>(scores[r * kSoftmaxPageTokens + t] - references_[r])) * scale;
          const double step = static_cast<double>(split.scales[r]) * (with_low ? 0.51 : 256.0);
          EXPECT_NEAR(static_cast<double>(weight), exact, 1e-30 + step + exact_error * exact)
              << "row " << r << " token " << t;
        }
        if (!seen) {
          EXPECT_LE(code, 1) << "at most the carried rounding error";
          EXPECT_EQ(split.low[split.at(r, t)], 0);
        }
      }
      EXPECT_EQ(split.high_zero_terms[r], -128 * high);
      if (with_low) {
        EXPECT_EQ(split.low_zero_terms[r], -128 * low);
      }
      const float sum = split.scales[r] * static_cast<float>(256 * high + low);
      for (std::size_t i = 0; i < kSize; ++i) out_[r * kSize + i] = out_[r * kSize + i] * shrink[r] + sum;
    }
  }

  /// Compares outputs and sums, with relative errors.
  void expect_sums(double out_error, double sum_error = 1e-5) const {
    for (std::size_t r = 0; r < rows(); ++r) {
      if (seen_[r].empty()) {
        EXPECT_EQ(sums_[r], 0.0F);
        EXPECT_EQ(references_[r], kMinusInfinity);
        for (std::size_t i = 0; i < kSize; ++i) EXPECT_EQ(out_[r * kSize + i], 0.0F);
        continue;
      }
      double sum = 0;
      double out = 0;
      for (const auto& [score, value] : seen_[r]) {
        const double weight = std::exp2(score - static_cast<double>(references_[r]));
        sum += weight;
        out += weight * value;
      }
      EXPECT_NEAR(static_cast<double>(sums_[r]), sum, sum_error * sum) << "row " << r;
      for (std::size_t i = 0; i < kSize; ++i)
        EXPECT_NEAR(static_cast<double>(out_[r * kSize + i]), out, out_error * out) << "row " << r;
    }
  }

  std::tuple<std::vector<float>, std::vector<float>, std::vector<float>> state() const {
    return {references_, sums_, out_};
  }

 private:
  SoftmaxStep make_step(std::vector<float>& page, std::size_t length, const std::vector<TokenRange>& ranges) {
    return {page.data(),        length,       rows(),      length, ranges.empty() ? nullptr : ranges.data(),
            references_.data(), sums_.data(), out_.data(), kSize};
  }

  bool see(float score, const std::vector<TokenRange>& ranges, std::size_t row, std::size_t token, double value) {
    if (!ranges.empty() && (token < ranges[row].begin || token >= ranges[row].end)) return false;
    seen_[row].push_back({static_cast<double>(score), value});
    return true;
  }

  const KernelTable& kernels_;
  std::vector<float> references_, sums_, out_;
  std::vector<std::vector<std::pair<double, double>>> seen_;
};

std::vector<TokenRange> random_ranges(std::size_t rows, std::size_t length, std::mt19937_64& engine) {
  std::vector<TokenRange> ranges;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t begin = engine() % (length + 1);
    ranges.push_back({begin, begin + engine() % (length + 1 - begin)});
  }
  return ranges;
}

class Softmax : public testing::TestWithParam<const KernelTable*> {
 protected:
  const KernelTable& k() const { return *GetParam(); }
};

TEST_P(Softmax, StepsMakeOneSoftmax) {
  for (const std::size_t rows : {1UL, 3UL, 16UL, 17UL, 35UL}) {
    for (const std::size_t length : {16UL, 48UL, 64UL}) {
      SoftmaxPages pages(k(), rows);
      std::mt19937_64 engine(rows * length);
      for (std::size_t p = 0; p < 5; ++p) {
        pages.step(random_floats(rows * length, engine(), 9.0F), length,
                   p % 2 != 0 ? random_ranges(rows, length, engine) : std::vector<TokenRange>());
      }
      pages.expect_sums(1e-5);
    }
  }
}

TEST_P(Softmax, WeightsAndStepsMakeOneSoftmax) {
  for (const std::size_t rows : {1UL, 3UL, 4UL, 16UL, 17UL, 35UL}) {
    for (const bool with_low : {true, false}) {
      SoftmaxPages pages(k(), rows);
      std::mt19937_64 engine(rows);
      for (std::size_t p = 0; p < 6; ++p) {
        auto codes = test::random_bytes(kSoftmaxPageTokens, engine());
        codes[p] = 1;
        const auto scores = random_floats(rows * kSoftmaxPageTokens, engine(), 5.0F);
        const auto ranges = p % 2 != 0 ? random_ranges(rows, kSoftmaxPageTokens, engine) : std::vector<TokenRange>();
        if (p == 3) {
          pages.step(scores, kSoftmaxPageTokens, ranges);
        } else {
          pages.weigh(scores, {codes.data(), 2e-5F}, ranges, with_low);
        }
      }
      pages.expect_sums(with_low ? 4e-4 : 0.04);
    }
  }
}

TEST_P(Softmax, ManySmallWeightsDoNotVanishBesideALargeOne) {
  const std::vector<std::uint8_t> codes(kSoftmaxPageTokens, 200);
  // 63 weights far below one step each.
  for (const float rest : {-11.0F, -10.0F, -8.0F}) {
    SoftmaxPages pages(k(), 1);
    std::vector<float> scores(kSoftmaxPageTokens, rest);
    scores[17] = 0.0F;
    pages.weigh(scores, {codes.data(), 1e-4F}, {}, false);
    // Each lane may be off by up to half a step at the end; here the errors cancel over the lanes.
    pages.expect_sums(1.5 / 127.0);
  }
}

TEST_P(Softmax, LargeScoresAndScales) {
  for (const float shift : {-3e4F, 0.0F, 3e4F}) {
    SoftmaxPages pages(k(), 20);
    std::mt19937_64 engine(3);
    for (std::size_t p = 0; p < 4; ++p) {
      auto scores = random_floats(20 * kSoftmaxPageTokens, engine(), 40.0F);
      for (float& s : scores) s += shift;
      const auto codes = test::random_bytes(kSoftmaxPageTokens, engine());
      pages.weigh(scores, {codes.data(), p % 2 == 0 ? 1e-9F : 1e9F}, {}, true, 3e-3);
    }
    // Floats of this size, and what is added to them, have steps of 2^-9.
    pages.expect_sums(3e-3, 3e-3);
  }
}

TEST_P(Softmax, ATokenOfNoScaleCountsInTheSum) {
  std::vector<std::uint8_t> codes(kSoftmaxPageTokens, 255);
  codes[9] = 0;
  SoftmaxPages pages(k(), 1);
  std::vector<float> scores(kSoftmaxPageTokens, 0.0F);
  scores[9] = 5.0F;
  pages.weigh(scores, {codes.data(), 1e-4F}, {}, true);
  pages.expect_sums(1e-3);
}

TEST_P(Softmax, APageOfNoScalesIsNothing) {
  const std::vector<std::uint8_t> codes(kSoftmaxPageTokens, 0);
  for (const bool with_low : {true, false}) {
    SoftmaxPages pages(k(), 1);
    pages.weigh(random_floats(kSoftmaxPageTokens, 3), {codes.data(), 0.0F}, {}, with_low);
    pages.expect_sums(0.0);
  }
}

TEST_P(Softmax, EmptyRangesChangeNothing) {
  const std::vector<std::uint8_t> codes(kSoftmaxPageTokens, 7);
  SoftmaxPages pages(k(), 2);
  const std::vector<float> scores(2 * kSoftmaxPageTokens, 3.0F);
  pages.step(scores, kSoftmaxPageTokens, {{0, 0}, {64, 64}});
  pages.weigh(scores, {codes.data(), 1.0F}, {{0, 0}, {64, 64}}, false);
  pages.expect_sums(0.0);
  pages.step(scores, kSoftmaxPageTokens, {});
  pages.weigh(scores, {codes.data(), 1.0F}, {{0, 0}, {64, 64}}, true);
  pages.expect_sums(1e-5);
}

TEST_P(Softmax, RowsDoNotSeeTheirNeighbours) {
  const auto scores = random_floats(19 * kSoftmaxPageTokens, 8, 3.0F);
  const auto codes = test::random_bytes(kSoftmaxPageTokens, 9);
  for (const bool with_low : {true, false}) {
    SoftmaxPages together(k(), 19);
    together.weigh(scores, {codes.data(), 0.1F}, {}, with_low);
    const auto [references, sums, out] = together.state();
    for (std::size_t r = 0; r < 19; ++r) {
      SoftmaxPages alone(k(), 1);
      alone.weigh({scores.begin() + static_cast<long>(r * 64), scores.begin() + static_cast<long>(r * 64 + 64)},
                  {codes.data(), 0.1F}, {}, with_low);
      const std::tuple expected(std::vector{references[r]}, std::vector{sums[r]}, std::vector(kSize, out[r * kSize]));
      EXPECT_EQ(alone.state(), expected) << "bit for bit";
    }
  }
}

TEST_P(Softmax, NaNStaysNaN) {
  for (const float bad : {std::nanf(""), INFINITY}) {
    std::vector<float> page(kSoftmaxPageTokens, 1.0F);
    page[20] = bad;
    float reference = kMinusInfinity;
    float sum = 0.0F;
    std::vector<float> out(16, 0.0F);
    auto scores = page;
    k().softmax_rows({scores.data(), 64, 1, 64, nullptr, &reference, &sum, out.data(), 16});
    EXPECT_TRUE(std::isnan(sum)) << bad;
    const std::vector<std::uint8_t> codes(kSoftmaxPageTokens, 7);
    for (const bool with_low : {true, false}) {
      SplitMemory split(1, kSoftmaxPageTokens);
      SplitPlanes planes = split.planes();
      if (!with_low) planes.low = nullptr;
      std::vector<float> shrink(kSplitRows);
      reference = kMinusInfinity;
      sum = 0.0F;
      scores = page;
      k().softmax_quantize_rows({scores.data(), 64, 1, 64, nullptr, &reference, &sum, out.data(), 16},
                                {codes.data(), 1.0F}, planes, shrink.data());
      EXPECT_TRUE(std::isnan(sum)) << bad;
      // A page that contains NaN has NaN scales.
      scores.assign(kSoftmaxPageTokens, 1.0F);
      k().softmax_quantize_rows({scores.data(), 64, 1, 64, nullptr, &reference, &sum, out.data(), 16},
                                {codes.data(), std::nanf("")}, planes, shrink.data());
      EXPECT_TRUE(std::isnan(split.scales[0]));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isa, Softmax, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

/// All sets with a fused multiply-add must round alike.
TEST(SoftmaxOfWideSets, GivesTheSameBits) {
  std::vector<std::tuple<std::vector<float>, std::vector<float>, std::vector<float>>> states;
  for (const KernelTable* table : runnable_kernels()) {
    if (table == &portable::table()) continue;
    for (const bool with_low : {true, false}) {
      SoftmaxPages pages(*table, 21);
      std::mt19937_64 engine(4);
      for (std::size_t p = 0; p < 4; ++p) {
        const auto codes = test::random_bytes(kSoftmaxPageTokens, engine());
        pages.weigh(random_floats(21 * kSoftmaxPageTokens, engine(), 60.0F), {codes.data(), 0.3F},
                    p == 2 ? random_ranges(21, kSoftmaxPageTokens, engine) : std::vector<TokenRange>(), with_low);
      }
      states.push_back(pages.state());
    }
  }
  for (std::size_t i = 2; i < states.size(); ++i) EXPECT_EQ(states[i], states[i % 2]);
}

}  // namespace
}  // namespace pith::kernels
