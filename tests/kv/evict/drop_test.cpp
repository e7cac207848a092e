#include "kv/evict/drop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/select.h"
#include "kv/attention_reference.h"

namespace pith::kv {
namespace {

using test::attend_in_batches;
using test::attend_naively;
using test::relative_distance;
using test::Sequence;

constexpr std::size_t kSize = 64;
constexpr std::size_t kAfter = 40;
constexpr float kDropScale = 0.125F;

Rotary rotary() {
  Rotary rotary;
  for (std::size_t i = 0; i < kSize / 2; ++i)
    rotary.frequencies.push_back(std::pow(10000.0, -static_cast<double>(i) / (kSize / 2.0)));
  return rotary;
}

/// Attention with RoPE over a sequence that loses tokens on its way.
class Drop : public testing::TestWithParam<std::string> {
 protected:
  explicit Drop(std::size_t window = 0) : shape_{2, 1, kSize, kSize, {window}} {}

  Cache cache(const std::string& codec) const {
    CacheOptions options = uniform(shape_, codec, codec);
    options.layers.front().rotary = rotary();
    return {options, kernels::select_kernels()};
  }
  /// Returns what is at these positions, rotated to be at the positions `at`.
  Sequence placed(const std::vector<std::size_t>& positions, const std::vector<std::size_t>& at) const {
    Sequence s(shape_, positions.size(), 1);
    for (std::size_t i = 0; i < positions.size(); ++i) {
      std::copy_n(&raw_.keys[positions[i] * kSize], kSize, &s.keys[i * kSize]);
      std::copy_n(&raw_.values[positions[i] * kSize], kSize, &s.values[i * kSize]);
      std::copy_n(&raw_.queries[positions[i] * 2 * kSize], 2 * kSize, &s.queries[i * 2 * kSize]);
      rotary_.turn(&s.keys[i * kSize], static_cast<double>(at[i]));
      for (std::size_t h = 0; h < 2; ++h) rotary_.turn(&s.queries[(2 * i + h) * kSize], static_cast<double>(at[i]));
    }
    return s;
  }
  /// Feeds up to `tokens` tokens, as they come.
  std::vector<float> feed(Cache& to, std::size_t tokens, std::size_t batch = 50) const {
    Sequence s = whole_;
    s.tokens = tokens;
    return attend_in_batches(to, s, {batch}, 2, kDropScale);
  }
  /// Expects of the `kAfter` tokens after `tokens` what attention over the tokens that are left, closed up, says.
  void expect_closed_up(Cache& of, std::size_t tokens, double distance) const {
    const Holes holes = of.holes();
    const std::vector<float> got = feed(of, tokens + kAfter, 7);
    std::vector<std::size_t> positions;
    std::vector<std::size_t> at;
    for (std::size_t p = 0; p < tokens + kAfter; ++p) {
      if ((holes.left_of(p / kPageTokens) >> p % kPageTokens & 1U) == 0) continue;
      at.push_back(positions.size());
      positions.push_back(p);
    }
    const std::vector<float> expected = attend_naively(shape_, placed(positions, at), shape_.windows[0], kDropScale);
    const auto newest = [](const std::vector<float>& out, std::size_t end) {
      return std::vector<float>(out.begin() + static_cast<long>((end - kAfter) * 2 * kSize),
                                out.begin() + static_cast<long>(end * 2 * kSize));
    };
    EXPECT_LT(relative_distance(newest(got, tokens + kAfter), newest(expected, positions.size())), distance);
  }

  ThreadPool pool_{2};
  KvShape shape_;
  const Rotary rotary_ = rotary();
  const Sequence raw_{shape_, 900, 5};
  const Sequence whole_ = [this] {
    std::vector<std::size_t> all(900);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return placed(all, all);
  }();
};

class DropOver : public Drop {};

TEST_P(DropOver, TheRestClosesUp) {
  const double distance = GetParam() == "f32" ? 1e-4 : GetParam() == "int2" ? 0.6 : 0.2;
  for (const auto& [first, last] : {std::pair(70UL, 300UL), {64UL, 128UL}, {20UL, 590UL}, {4UL, 100UL}, {0UL, 80UL}}) {
    SCOPED_TRACE(std::to_string(first) + " to " + std::to_string(last));
    Cache held = cache(GetParam());
    feed(held, 600);
    drop(held, pool_, first, last);
    expect_closed_up(held, 600, distance);
  }
}

TEST_P(DropOver, NoBitOfAPageChangesAndEmptyPagesAreFreed) {
  Cache held = cache(GetParam());
  feed(held, 800);
  const Cache before = held;
  drop(held, pool_, 100, 400);
  EXPECT_LT(held.bytes().total(), before.bytes().total());
  const Head& head = held.layer(0).head(0);
  for (std::size_t i = 0; i < head.slots.slots.size(); ++i) {
    EXPECT_NE(head.slots.slots[i].live, 0U);
    const auto page = static_cast<std::size_t>(head.slots.slots[i].page);
    for (const KvSide side : kSides) {
      const Page& now = head.pages(side).pages[i];
      const Page& then = before.layer(0).head(0).pages(side).pages[page];
      EXPECT_EQ(now.old, then.old);
      EXPECT_EQ(now.recent, then.recent);
    }
  }
  EXPECT_EQ(head.slots.slots.size(), 12U - 4U) << "pages 2 to 5 are gone";
}

TEST_P(DropOver, DoesNotDependOnHowTokensAreCut) {
  Cache one = cache(GetParam());
  feed(one, 600);
  drop(one, pool_, 80, 333);
  Cache other = one;
  const std::vector<float> expected = feed(one, 760, 160);
  const std::vector<float> got = feed(other, 760, 1);
  const long from = 600L * 2 * kSize;
  EXPECT_TRUE(std::equal(expected.begin() + from, expected.begin() + 760L * 2 * kSize, got.begin() + from));
}

INSTANTIATE_TEST_SUITE_P(, DropOver, testing::Values("f32", "f16", "int8", "int4", "int2", "kivi4"));

TEST_F(Drop, MayBeRepeated) {
  Cache held = cache("f32");
  feed(held, 400);
  drop(held, pool_, 70, 200);
  feed(held, 600);
  drop(held, pool_, 64, 500);
  EXPECT_EQ(held.holes().list().size(), 1U);
  feed(held, 800);
  drop(held, pool_, 650, 720);
  expect_closed_up(held, 800, 1e-4);
}

TEST_F(Drop, ReachesIntoTheOpenPage) {
  Cache held = cache("f32");
  feed(held, 600);
  drop(held, pool_, 500, 595);
  const Cache open = held;
  expect_closed_up(held, 600, 1e-4);
  Cache sealed = open;
  feed(sealed, 700);
  expect_closed_up(sealed, 700, 1e-4);
}

TEST_F(Drop, FromTheFirstPageWhileItIsOpen) {
  for (const char* codec : {"f32", "int8"}) {
    Cache held = cache(codec);
    feed(held, 40);
    drop(held, pool_, 2, 20);
    feed(held, 300);
    EXPECT_EQ(held.layer(0).head(0).slots.held(), 300 / kPageTokens * kPageTokens - 18) << codec;
  }
}

/// Tokens of one page move together.
TEST_F(Drop, InsideAPageLeavesWhatIsBeforeItThereFartherAway) {
  Cache held = cache("f32");
  feed(held, 600);
  drop(held, pool_, 70, 90);
  expect_closed_up(held, 600, 0.3);
}

class DropBehindAWindow : public Drop {
 protected:
  DropBehindAWindow() : Drop(100) {}
};

TEST_F(DropBehindAWindow, WhatTheWindowHoldsClosesUp) {
  Cache held = cache("f32");
  feed(held, 600);
  drop(held, pool_, 64, 300);
  expect_closed_up(held, 600, 1e-4);
}

/// The window has moved on from what would come into sight.
TEST_F(DropBehindAWindow, LeavesItWithWhatItHas) {
  Cache held = cache("f32");
  feed(held, 600);
  drop(held, pool_, 540, 560);
  const std::vector<float> got = feed(held, 600 + kAfter);
  EXPECT_TRUE(std::all_of(got.begin(), got.end(), [](float x) { return std::isfinite(x); }));
}

}  // namespace
}  // namespace pith::kv
