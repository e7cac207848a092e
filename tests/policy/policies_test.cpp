#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "policy/random_head.h"

namespace pith::policy {
namespace {

double naive_length(const std::vector<float>& row) {
  double sum = 0;
  for (const float x : row) sum += double{x} * double{x};
  return std::sqrt(sum);
}

void expect_near(const std::vector<float>& scores, const std::vector<double>& expected) {
  ASSERT_EQ(scores.size(), expected.size());
  for (std::size_t t = 0; t < scores.size(); ++t) EXPECT_NEAR(scores[t], expected[t], 1e-5) << "token " << t;
}

TEST(Window, ScoresArePositions) {
  const RandomHead head(50);
  const std::vector<float> scores = scores_of("window", head.view());
  for (std::size_t t = 0; t < 50; ++t) EXPECT_EQ(scores[t], static_cast<float>(head.positions[t]));
  EXPECT_EQ(make_policy("window")->needs(), PolicyNeeds{});
}

TEST(H2o, ScoresAreTheAttentionOfAllQueries) {
  const RandomHead head(50);
  EXPECT_EQ(scores_of("h2o", head.view()), head.attention);
  EXPECT_EQ(make_policy("h2o")->needs().queries, PolicyNeeds::kAllQueries);
  EXPECT_EQ(make_policy("h2o")->needs().reduce, PolicyNeeds::Reduce::kSum);
  EXPECT_EQ(make_policy("h2o")->needs().decay, 1.0F);
  EXPECT_EQ(make_policy("h2o", {{"decay", 0.75}})->needs().decay, 0.75F);
}

TEST(H2o, GraceProtectsWhoHadFewerQueries) {
  const RandomHead head(50);
  for (const int grace : {0, 1, 2, 10, 1000}) {
    const std::vector<std::uint8_t> kept = protected_by("h2o", head.view(), {{"grace", grace}});
    for (std::size_t t = 0; t < kept.size(); ++t) {
      EXPECT_EQ(kept[t], head.next - head.positions[t] < grace) << "grace " << grace << ", token " << t;
    }
  }
}

TEST(Tova, ScoresAreTheAttentionOfTheLastQuery) {
  const RandomHead head(50);
  EXPECT_EQ(scores_of("tova", head.view()), head.attention);
  EXPECT_EQ(make_policy("tova")->needs().queries, 1);
}

TEST(KvZip, ScoresAreTheLargestAttentionOfTheReconstruction) {
  const RandomHead head(50);
  EXPECT_EQ(scores_of("kvzip", head.view()), head.attention);
  const PolicyNeeds needs = make_policy("kvzip")->needs();
  EXPECT_TRUE(needs.reconstruction);
  EXPECT_TRUE(needs.group_max);
  EXPECT_EQ(needs.queries, PolicyNeeds::kAllQueries);
  EXPECT_EQ(needs.reduce, PolicyNeeds::Reduce::kMax);
  EXPECT_EQ(make_policy("kvzip")->allocator(), "adaptive");
}

/// Pads on both sides, as the paper's code does, and pools every window of the padded row.
std::vector<double> naive_snapkv(const RandomHead& head, int window, std::size_t kernel, bool largest) {
  std::vector<double> scores(head.attention.begin(), head.attention.end());
  std::vector<double> seen;
  for (std::size_t t = 0; t < scores.size(); ++t) {
    if (head.positions[t] < head.next - window) seen.push_back(scores[t]);
  }
  const double nothing = largest ? -std::numeric_limits<double>::infinity() : 0.0;
  std::vector<double> padded;
  for (std::size_t k = 0; k < kernel / 2; ++k) padded.push_back(nothing);
  for (const double x : seen) padded.push_back(x);
  for (std::size_t k = 0; k < kernel / 2; ++k) padded.push_back(nothing);
  for (std::size_t t = 0; t < seen.size(); ++t) {
    double sum = 0;
    double most = nothing;
    for (std::size_t k = 0; k < kernel; ++k) {
      const double x = padded[t + k];
      sum += x;
      most = std::max(most, x);
    }
    scores[t] = largest ? most : sum / static_cast<double>(kernel);
  }
  return scores;
}

TEST(SnapKv, PoolsWhatTheWindowSaw) {
  for (const std::size_t tokens : {3U, 20U, 200U}) {
    const RandomHead head(tokens);
    expect_near(scores_of("snapkv", head.view()), naive_snapkv(head, 32, 5, false));
    expect_near(scores_of("pyramidkv", head.view()), naive_snapkv(head, 8, 7, true));
    expect_near(scores_of("adakv", head.view()), naive_snapkv(head, 32, 7, true));
    const PolicyParameters other = {{"window", 5}, {"kernel", 1}, {"max_pooling", 1}};
    expect_near(scores_of("snapkv", head.view(), other), naive_snapkv(head, 5, 1, true));
  }
}

TEST(SnapKv, ProtectsTheWindow) {
  const RandomHead head(100);
  const std::vector<std::uint8_t> kept = protected_by("snapkv", head.view());
  for (std::size_t t = 0; t < kept.size(); ++t) EXPECT_EQ(kept[t], head.positions[t] >= head.next - 32);
  EXPECT_EQ(make_policy("snapkv")->needs().queries, 32);
  EXPECT_EQ(make_policy("snapkv", {{"window", 16}})->needs().queries, 16);
}

TEST(SnapKv, TheOthersDifferByTheirAllocators) {
  EXPECT_EQ(make_policy("snapkv")->allocator(), "uniform");
  EXPECT_EQ(make_policy("pyramidkv")->allocator(), "pyramid");
  EXPECT_EQ(make_policy("adakv")->allocator(), "adaptive");
}

TEST(KeyDiff, KeysUnlikeTheirMeanStay) {
  const RandomHead head(60);
  std::vector<double> mean(16, 0.0);
  for (std::size_t t = 0; t < 60; ++t) {
    for (std::size_t i = 0; i < 16; ++i) mean[i] += head.key(t)[i] / naive_length(head.key(t)) / 60;
  }
  double mean_length = 0;
  for (const double x : mean) mean_length += x * x;
  std::vector<double> expected;
  for (std::size_t t = 0; t < 60; ++t) {
    double dot = 0;
    for (std::size_t i = 0; i < 16; ++i) dot += head.key(t)[i] * mean[i];
    expected.push_back(-dot / naive_length(head.key(t)) / std::sqrt(mean_length));
  }
  expect_near(scores_of("keydiff", head.view()), expected);
  EXPECT_TRUE(make_policy("keydiff")->needs().keys);
}

TEST(KeyDiff, TheOddOneHasTheHighestScore) {
  RandomHead head(10);
  for (std::size_t i = 0; i < head.keys.size(); ++i) head.keys[i] = static_cast<float>(i % 16);
  for (std::size_t i = 3 * 16; i < 4 * 16; ++i) head.keys[i] *= -1;
  const std::vector<float> scores = scores_of("keydiff", head.view());
  EXPECT_EQ(std::max_element(scores.begin(), scores.end()) - scores.begin(), 3);
}

TEST(KeyNorm, ShortKeysStay) {
  const RandomHead head(60);
  std::vector<double> expected;
  for (std::size_t t = 0; t < 60; ++t) expected.push_back(-naive_length(head.key(t)));
  expect_near(scores_of("knorm", head.view()), expected);
  EXPECT_TRUE(make_policy("knorm")->needs().keys);
}

TEST(Random, DependsOnSeedHeadAndPositionOnly) {
  const RandomHead head(400);
  HeadView view = head.view();
  view.seed = 7;
  const std::vector<float> scores = scores_of("random", view);
  EXPECT_EQ(scores_of("random", view), scores);
  // A token's score does not change when others are evicted.
  HeadView later = view;
  later.positions = later.positions.subspan(100);
  EXPECT_EQ(scores_of("random", later), std::vector<float>(scores.begin() + 100, scores.end()));
  HeadView other = view;
  other.seed = 8;
  EXPECT_NE(scores_of("random", other), scores);
  other = view;
  other.layer = 1;
  EXPECT_NE(scores_of("random", other), scores);
  other = view;
  other.kv_head = 1;
  EXPECT_NE(scores_of("random", other), scores);
}

TEST(Random, IsSpreadEvenly) {
  const RandomHead head(4000);
  const std::vector<float> scores = scores_of("random", head.view());
  std::vector<int> counts(8);
  for (const float score : scores) {
    ASSERT_GE(score, 0.0F);
    ASSERT_LT(score, 1.0F);
    ++counts[static_cast<std::size_t>(score * 8)];
  }
  for (const int count : counts) EXPECT_NEAR(count, 500, 100);
}

TEST(EveryPolicy, ScoresBeforeAnythingWasObserved) {
  const RandomHead head(70);
  HeadView view = head.view();
  view.attention = {};
  for (const std::string& policy : builtin_policies()) {
    for (const float score : scores_of(policy, view)) EXPECT_TRUE(std::isfinite(score)) << policy;
  }
}

TEST(EveryPolicy, TakesAHeadWithoutTokens) {
  const RandomHead head(0);
  for (const std::string& policy : builtin_policies()) {
    EXPECT_TRUE(scores_of(policy, head.view()).empty());
    EXPECT_TRUE(protected_by(policy, head.view()).empty());
  }
}

TEST(EveryPolicy, ScoresAreFiniteWhateverComesIn) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kMost = std::numeric_limits<float>::max();
  const std::vector<float> mean(2 * 16, kMost);
  const std::vector<float> covariance(std::size_t{2} * 16 * 16, 1e30F);
  const std::vector<double> frequencies(8, 0.1);
  const QueryStatistics statistics{.count = 9, .mean = mean, .covariance = covariance, .rotary = {frequencies, true}};
  for (const float bad : {kInfinity, -kInfinity, kNan, kMost, -kMost, 0.0F}) {
    for (const bool everywhere : {false, true}) {
      RandomHead head(90);
      for (auto* numbers : {&head.attention, &head.keys, &head.values}) {
        for (std::size_t i = 0; i < numbers->size(); i += everywhere ? 1 : 17) (*numbers)[i] = bad;
      }
      HeadView view = head.view();
      for (const QueryStatistics* queries : {static_cast<const QueryStatistics*>(nullptr), &statistics}) {
        view.queries = queries;
        for (const std::string& policy : builtin_policies()) {
          const std::vector<float> scores = scores_of(policy, view);
          EXPECT_TRUE(std::all_of(scores.begin(), scores.end(), [](float s) { return std::isfinite(s); }))
              << policy << " of " << bad;
        }
      }
    }
  }
}

TEST(EveryPolicy, NumbersThatAreNoneGoFirst) {
  RandomHead head(40);
  head.attention[5] = std::numeric_limits<float>::quiet_NaN();
  head.keys[5 * 16] = std::numeric_limits<float>::quiet_NaN();
  for (const char* policy : {"h2o", "tova", "kvzip", "keydiff", "knorm"}) {
    const std::vector<float> scores = scores_of(policy, head.view());
    EXPECT_EQ(std::min_element(scores.begin(), scores.end()) - scores.begin(), 5) << policy;
  }
}

}  // namespace
}  // namespace pith::policy
