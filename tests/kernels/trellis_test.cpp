#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "kernels/random_rows.h"
#include "kernels/select.h"

namespace pith::kernels {
namespace {

using Levels = std::array<float, 4 * kTrellisMembers>;

/// Returns the sequence [lines] of a lane and a column mod 4; columns are 16 floats apart.
std::vector<float> sequence(const std::vector<float>& x, std::size_t lane, std::size_t column) {
  std::vector<float> of_lines;
  for (std::size_t at = column * kLanes + lane; at < x.size(); at += 4 * kLanes) of_lines.push_back(x[at]);
  return of_lines;
}

/// Returns the squared error of a path, and checks that the codes, 64 bytes apart, are a path.
double path_error(const std::vector<float>& x, const std::vector<float>& weights, const Levels& levels,
                  std::size_t members, const std::uint8_t* codes) {
  double error = 0;
  std::size_t state = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const std::size_t next = codes[64 * j] / members;
    EXPECT_LT(next, 2U);
    const double d = static_cast<double>(x[j]) -
                     static_cast<double>(levels[(2 * state + next) * kTrellisMembers + codes[64 * j] % members]);
    error += d * d * static_cast<double>(weights[j]);
    state = next;
  }
  return error;
}

/// Returns the least error of all paths, by dynamic programming over both states in double.
double least_error(const std::vector<float>& x, const std::vector<float>& weights, const Levels& levels,
                   std::size_t members) {
  std::array<double, 2> cost = {0, std::numeric_limits<double>::infinity()};
  for (std::size_t j = 0; j < x.size(); ++j) {
    std::array<double, 2> next_cost = {std::numeric_limits<double>::infinity(),
                                       std::numeric_limits<double>::infinity()};
    for (std::size_t state = 0; state < 2; ++state) {
      for (std::size_t code = 0; code < 2 * members; ++code) {
        const std::size_t next = code / members;
        const double d = static_cast<double>(x[j]) -
                         static_cast<double>(levels[(2 * state + next) * kTrellisMembers + code % members]);
        next_cost[next] = std::min(next_cost[next], cost[state] + d * d * static_cast<double>(weights[j]));
      }
    }
    cost = next_cost;
  }
  return std::min(cost[0], cost[1]);
}

class EncodeTrellis : public testing::TestWithParam<const KernelTable*> {};

TEST_P(EncodeTrellis, FindsTheBestPath) {
  for (const std::size_t members : {2UL, 4UL, 8UL}) {
    for (const std::size_t lines : {1UL, 4UL, 16UL, 20UL, kTileLinesMax}) {
      Levels levels{};
      const auto random = test::random_floats(levels.size(), members);
      std::copy(random.begin(), random.end(), levels.begin());
      const auto x = test::random_floats(64 * lines, lines);
      auto weights = test::random_floats(4 * lines, 9);
      for (float& w : weights) w *= w;
      std::vector<std::uint8_t> codes(64 * lines);
      GetParam()->encode_trellis(x.data(), kLanes, weights.data(), lines, levels.data(), members, codes.data());
      for (std::size_t i = 0; i < 64; ++i) {
        const auto values = sequence(x, i / 4, i % 4);
        std::vector<float> of_lines;
        for (std::size_t j = 0; j < lines; ++j) of_lines.push_back(weights[4 * j + i % 4]);
        const double least = least_error(values, of_lines, levels, members);
        EXPECT_NEAR(path_error(values, of_lines, levels, members, &codes[i]), least, 1e-4 * (1.0 + least));
      }
      std::vector<std::uint8_t> unweighted(64 * lines);
      GetParam()->encode_trellis(x.data(), kLanes, nullptr, lines, levels.data(), members, unweighted.data());
      const std::vector<float> ones(4 * lines, 1.0F);
      GetParam()->encode_trellis(x.data(), kLanes, ones.data(), lines, levels.data(), members, codes.data());
      EXPECT_EQ(codes, unweighted);
      // The same columns with a larger stride.
      std::vector<float> apart(4 * lines * 40);
      for (std::size_t i = 0; i < x.size(); ++i) apart[i / kLanes * 40 + i % kLanes] = x[i];
      GetParam()->encode_trellis(apart.data(), 40, nullptr, lines, levels.data(), members, codes.data());
      EXPECT_EQ(codes, unweighted);
    }
  }
}

TEST_P(EncodeTrellis, GivesTheSameCodesOnEverySet) {
  Levels levels{};
  const auto random = test::random_floats(levels.size(), 1);
  std::copy(random.begin(), random.end(), levels.begin());
  const auto x = test::random_floats(64 * 32, 2);
  std::vector<std::uint8_t> codes(64 * 32);
  std::vector<std::uint8_t> expected(64 * 32);
  GetParam()->encode_trellis(x.data(), kLanes, nullptr, 32, levels.data(), 8, codes.data());
  portable::table().encode_trellis(x.data(), kLanes, nullptr, 32, levels.data(), 8, expected.data());
  EXPECT_EQ(codes, expected);
}

INSTANTIATE_TEST_SUITE_P(Isa, EncodeTrellis, testing::ValuesIn(runnable_kernels().begin(), runnable_kernels().end()),
                         [](const auto& test) { return std::string(test.param->name); });

}  // namespace
}  // namespace pith::kernels
