#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

#include "policy/random_head.h"

namespace pith::policy {
namespace {

using Kept = std::vector<std::uint8_t>;

/// A head of `tokens` tokens in pages of `page` tokens.
struct PagedHead {
  PagedHead(std::size_t tokens, std::size_t page) {
    for (std::size_t t = 0; t < tokens; ++t) {
      positions.push_back(static_cast<std::int32_t>(t));
      pages.push_back(static_cast<std::int32_t>(t / page) + 3);
    }
  }

  Kept select(std::string_view selector, const std::vector<float>& scores, std::size_t budget, Kept kept = {},
              const PolicyParameters& parameters = {}) const {
    kept.resize(positions.size());
    HeadView head;
    head.positions = positions;
    head.pages = pages;
    make_selector(selector, parameters)->select(head, scores, budget, kept);
    return kept;
  }

  std::vector<std::int32_t> positions;
  std::vector<std::int32_t> pages;
};

std::vector<float> any_scores(std::size_t count) {
  const auto whole = *rc::gen::container<std::vector<int>>(count, rc::gen::inRange(-4, 5));
  return {whole.begin(), whole.end()};
}

Kept any_protected(std::size_t count) {
  return *rc::gen::container<Kept>(
      count, rc::gen::map(rc::gen::inRange(0, 4), [](int x) { return static_cast<std::uint8_t>(x == 0); }));
}

RC_GTEST_PROP(EverySelector, KeepsWhatIsProtectedAndItsBudget, ()) {
  const auto tokens = *rc::gen::inRange<std::size_t>(0, 60);
  const PagedHead head(tokens, *rc::gen::inRange<std::size_t>(1, 9));
  const std::vector<float> scores = any_scores(tokens);
  const Kept given = any_protected(tokens);
  const auto budget = *rc::gen::inRange<std::size_t>(0, 70);
  for (const std::string& selector : builtin_selectors()) {
    const Kept kept = head.select(selector, scores, budget, given);
    std::size_t chosen = 0;
    for (std::size_t t = 0; t < tokens; ++t) {
      RC_ASSERT(given[t] <= kept[t]);
      chosen += static_cast<std::size_t>(kept[t] - given[t]);
    }
    RC_ASSERT(chosen <= budget);
  }
}

RC_GTEST_PROP(TokenSelector, KeepsTheHighestScoresAndTheNewestOfEqualOnes, ()) {
  const auto tokens = *rc::gen::inRange<std::size_t>(0, 60);
  const PagedHead head(tokens, 8);
  const std::vector<float> scores = any_scores(tokens);
  const Kept given = any_protected(tokens);
  const auto budget = *rc::gen::inRange<std::size_t>(0, 70);
  const Kept kept = head.select("token", scores, budget, given);
  std::size_t chosen = 0;
  std::size_t candidates = 0;
  for (std::size_t t = 0; t < tokens; ++t) {
    chosen += static_cast<std::size_t>(kept[t] - given[t]);
    if (given[t] == 0) ++candidates;
    for (std::size_t other = 0; other < tokens; ++other) {
      if (kept[t] == 0 || given[t] != 0 || kept[other] != 0) continue;
      RC_ASSERT(scores[t] > scores[other] || (scores[t] == scores[other] && t > other));
    }
  }
  RC_ASSERT(chosen == std::min(budget, candidates));
}

TEST(TokenSelector, NanGoesFirst) {
  const PagedHead head(4, 2);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(head.select("token", {kNan, -9, kNan, 1}, 3), (Kept{0, 1, 1, 1}));
}

RC_GTEST_PROP(PageSelector, PagesStayOrGoWhole, ()) {
  const auto tokens = *rc::gen::inRange<std::size_t>(0, 60);
  const PagedHead head(tokens, *rc::gen::inRange<std::size_t>(1, 9));
  const std::vector<float> scores = any_scores(tokens);
  const Kept given = any_protected(tokens);
  const auto budget = *rc::gen::inRange<std::size_t>(0, 70);
  const bool largest = *rc::gen::arbitrary<bool>();
  const Kept kept = head.select("page", scores, budget, given, {{"max", largest ? 1.0 : 0.0}});
  struct Sum {
    std::size_t candidates = 0;
    std::size_t chosen = 0;
    double score = 0.0;
    double most = -1e9;
  };
  std::map<std::int32_t, Sum> pages;
  std::size_t left = budget;
  for (std::size_t t = 0; t < tokens; ++t) {
    if (given[t] != 0) continue;
    Sum& page = pages[head.pages[t]];
    ++page.candidates;
    page.chosen += kept[t];
    page.score += double{scores[t]};
    page.most = std::max(page.most, double{scores[t]});
    left -= kept[t];
  }
  const auto score = [&](const Sum& page) {
    return largest ? page.most : page.score / static_cast<double>(page.candidates);
  };
  for (const auto& [number, page] : pages) {
    RC_ASSERT(page.chosen == 0 || page.chosen == page.candidates);
    if (page.chosen != 0) continue;
    // A page that was skipped did not fit, even without the worse pages that were kept.
    std::size_t room = left;
    for (const auto& [other_number, other] : pages) {
      const bool worse = score(other) < score(page) || (score(other) == score(page) && other_number < number);
      if (worse) room += other.chosen;
    }
    RC_ASSERT(page.candidates > room);
  }
}

TEST(PageSelector, MeanOrMax) {
  const PagedHead head(8, 4);
  const std::vector<float> scores = {9, 0, 0, 0, 3, 3, 3, 3};
  EXPECT_EQ(head.select("page", scores, 4), (Kept{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(head.select("page", scores, 4, {}, {{"max", 1}}), (Kept{1, 1, 1, 1, 0, 0, 0, 0}));
  EXPECT_EQ(head.select("page", scores, 7), (Kept{0, 0, 0, 0, 1, 1, 1, 1})) << "no part of a page";
  EXPECT_EQ(head.select("page", scores, 3), Kept(8, 0));
}

TEST(PageSelector, ProtectedTokensDoNotSpeakForTheirPage) {
  const PagedHead head(8, 4);
  const std::vector<float> scores = {9, 1, 1, 1, 2, 2, 2, 2};
  EXPECT_EQ(head.select("page", scores, 4, {1, 0, 0, 0, 0, 0, 0, 0}), (Kept{1, 0, 0, 0, 1, 1, 1, 1}));
  // It fits, since the protected token does not count.
  EXPECT_EQ(head.select("page", scores, 3, {1, 0, 0, 0, 0, 0, 0, 0}), (Kept{1, 1, 1, 1, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace pith::policy
