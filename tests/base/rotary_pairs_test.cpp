#include "base/rotary_pairs.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace pith {
namespace {

/// Returns 1, 2, 3, ...
template <typename Number>
std::vector<Number> counted(std::size_t size) {
  std::vector<Number> vector(size);
  std::iota(vector.begin(), vector.end(), Number{1});
  return vector;
}

/// A turn that differs from pair to pair and is no rotation by an exact angle.
template <typename Number>
Turn<Number> some_turn(std::size_t i) {
  const auto angle = static_cast<Number>(i + 1) / Number{3};
  return {std::cos(angle), std::sin(angle)};
}

/// Checks every element of a vector of `size` that was rotated against the formula, bit for bit.
template <typename Number>
void expect_formula(std::size_t size, std::size_t pairs, bool interleaved, std::size_t step) {
  const std::vector<Number> before = counted<Number>(size * step);
  std::vector<Number> expected = before;
  for (std::size_t i = 0; i < pairs; ++i) {
    const std::size_t x = (interleaved ? 2 * i : i) * step;
    const std::size_t y = (interleaved ? 2 * i + 1 : i + pairs) * step;
    const Turn<Number> turn = some_turn<Number>(i);
    expected[x] = before[x] * turn.cosine - before[y] * turn.sine;
    expected[y] = before[x] * turn.sine + before[y] * turn.cosine;
  }
  std::vector<Number> rotated = before;
  RotaryPairs(pairs, interleaved).rotate(rotated.data(), some_turn<Number>, step);
  EXPECT_EQ(rotated, expected) << size << " elements, " << pairs << " pairs, interleaved " << interleaved << ", step "
                               << step;
}

TEST(RotaryPairs, AreRotatedByTheFormulaInFloatAndDouble) {
  for (const bool interleaved : {true, false}) {
    for (const std::size_t pairs : {1U, 2U, 3U, 7U, 8U, 16U, 33U, 64U}) {
      for (const std::size_t rest : {0U, 1U, 6U}) {
        for (const std::size_t step : {1U, 3U}) {
          expect_formula<float>(2 * pairs + rest, pairs, interleaved, step);
          expect_formula<double>(2 * pairs + rest, pairs, interleaved, step);
        }
      }
    }
  }
}

TEST(RotaryPairs, NoneLeaveAVectorAlone) {
  for (const bool interleaved : {true, false}) {
    std::vector<float> vector = {1.0F, 2.0F};
    RotaryPairs(0, interleaved).rotate(vector.data(), some_turn<float>);
    EXPECT_EQ(vector, (std::vector<float>{1.0F, 2.0F}));
  }
}

TEST(RotaryPairs, AskForEachTurnOnceInOrder) {
  for (const bool interleaved : {true, false}) {
    std::vector<std::size_t> asked;
    std::vector<float> vector(10);
    RotaryPairs(5, interleaved).rotate(vector.data(), [&](std::size_t i) {
      asked.push_back(i);
      return Turn<float>{1.0F, 0.0F};
    });
    EXPECT_EQ(asked, (std::vector<std::size_t>{0, 1, 2, 3, 4}));
  }
}

TEST(RotaryPairs, AQuarterTurnMovesTheFirstElementToTheSecond) {
  const auto quarter = [](std::size_t) { return Turn<float>{0.0F, 1.0F}; };
  std::vector<float> neighbours = {1, 2, 3, 4, 5};
  RotaryPairs(2, true).rotate(neighbours.data(), quarter);
  EXPECT_EQ(neighbours, (std::vector<float>{-2, 1, -4, 3, 5}));
  std::vector<float> halves = {1, 2, 3, 4, 5};
  RotaryPairs(2, false).rotate(halves.data(), quarter);
  EXPECT_EQ(halves, (std::vector<float>{-3, -4, 1, 2, 5}));
}

}  // namespace
}  // namespace pith
