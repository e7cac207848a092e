#include "kv/core/key_ranges.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <random>

#include "kernels/select.h"

namespace pith::kv {
namespace {

std::vector<float> normal_rows(std::mt19937_64& engine, std::size_t rows, std::size_t size, float scale) {
  std::normal_distribution<float> normal(0.3F, scale);
  std::vector<float> x(rows * size);
  for (float& v : x) v = normal(engine);
  return x;
}

std::vector<float> bounds_of(const KeyRanges& ranges, const kernels::KernelTable& kernels,
                             const std::vector<float>& queries, std::size_t rows, std::size_t size) {
  std::vector<float> split(rows * 2 * size);
  KeyRanges::split_queries(queries.data(), rows, size, 1.0F, split.data());
  std::vector<float> bounds(rows * ranges.room());
  ranges.reach(kernels, split.data(), rows, bounds.data(), ranges.room());
  return bounds;
}

RC_GTEST_PROP(KeyRanges, NoKeyScoresMoreThanItsPagesBound, ()) {
  const std::size_t size = 16 * *rc::gen::inRange<std::size_t>(1, 9);
  const auto keys = *rc::gen::inRange<std::size_t>(1, 65);
  const auto slots = *rc::gen::inRange<std::size_t>(1, 40);
  const auto rows = *rc::gen::inRange<std::size_t>(1, 9);
  const auto exponent = *rc::gen::inRange(-12, 8);
  std::mt19937_64 engine(*rc::gen::arbitrary<std::uint64_t>());
  const std::vector<float> queries = normal_rows(engine, rows, size, 1.0F);
  KeyRanges ranges;
  std::vector<std::vector<float>> pages;
  for (std::size_t slot = 0; slot < slots; ++slot) {
    pages.push_back(normal_rows(engine, keys, size, std::ldexp(1.0F, exponent)));
    ranges.set(slot, size, pages.back());
  }
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    const std::vector<float> bounds = bounds_of(ranges, *table, queries, rows, size);
    for (std::size_t at = 0; at < slots * keys * rows; ++at) {
      const std::size_t slot = at / (keys * rows);
      const float* key = &pages[slot][at / rows % keys * size];
      const float* query = &queries[at % rows * size];
      double score = 0;
      double noise = 0;
      for (std::size_t i = 0; i < size; ++i) {
        score += static_cast<double>(query[i]) * static_cast<double>(key[i]);
        noise += std::abs(static_cast<double>(query[i]) * static_cast<double>(key[i]));
      }
      RC_ASSERT(static_cast<double>(bounds[at % rows * ranges.room() + slot]) >= score - 1e-5 * noise);
    }
  }
}

TEST(KeyRanges, OneKeyIsItsOwnBound) {
  std::mt19937_64 engine(1);
  const std::vector<float> key = normal_rows(engine, 1, 64, 1.0F);
  const std::vector<float> query = normal_rows(engine, 1, 64, 1.0F);
  KeyRanges ranges;
  ranges.set(3, 64, key);
  float score = 0;
  for (std::size_t i = 0; i < 64; ++i) score += query[i] * key[i];
  EXPECT_NEAR(bounds_of(ranges, kernels::select_kernels(), query, 1, 64)[3], score, 0.05F);
}

TEST(KeyRanges, ACopyKeepsWhatItHas) {
  std::mt19937_64 engine(2);
  const std::vector<float> query = normal_rows(engine, 1, 32, 1.0F);
  KeyRanges ranges;
  for (std::size_t slot = 0; slot < 20; ++slot) ranges.set(slot, 32, normal_rows(engine, 5, 32, 1.0F));
  const KeyRanges copy = ranges;
  const auto before = bounds_of(copy, kernels::select_kernels(), query, 1, 32);
  ranges.set(3, 32, normal_rows(engine, 5, 32, 9.0F));
  ranges.keep(4);
  EXPECT_EQ(ranges.bytes(), KeyRanges::bytes_of(4, 32));
  EXPECT_EQ(bounds_of(copy, kernels::select_kernels(), query, 1, 32), before);
  EXPECT_NE(bounds_of(ranges, kernels::select_kernels(), query, 1, 32)[3], before[3]);
  KeyRanges moved;
  moved.copy(17, copy, 3);
  EXPECT_EQ(bounds_of(moved, kernels::select_kernels(), query, 1, 32)[17], before[3]);
}

TEST(KeyRanges, AKeyThatIsNoNumberShows) {
  std::vector<float> keys(5 * 16, 1.0F);
  keys[20] = std::nanf("");
  KeyRanges ranges;
  ranges.set(0, 16, keys);
  EXPECT_TRUE(std::isnan(bounds_of(ranges, kernels::select_kernels(), std::vector<float>(16, 1.0F), 1, 16)[0]));
}

}  // namespace
}  // namespace pith::kv
