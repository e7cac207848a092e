#include "kv/core/observer.h"

#include <gtest/gtest.h>

namespace pith::kv {
namespace {

PolicyNeeds newest(int queries) {
  PolicyNeeds needs;
  needs.queries = queries;
  return needs;
}

TEST(ObserverBatch, AllQueriesCountAlike) {
  Observer observer(newest(PolicyNeeds::kAllQueries), 1);
  observer.begin_batch(0, 3, 3);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(observer.weight(i), 1.0F);
  EXPECT_EQ(observer.count(), 3U);
}

TEST(ObserverBatch, OnlyTheNewestOfAFeedCount) {
  Observer observer(newest(2), 1);
  observer.begin_batch(0, 3, 5);
  EXPECT_FALSE(observer.counts(0, 3));
  observer.begin_batch(3, 2, 5);
  EXPECT_TRUE(observer.counts(0, 1));
  EXPECT_EQ(observer.weight(0), 1.0F);
  EXPECT_EQ(observer.weight(1), 1.0F);
}

TEST(ObserverBatch, AQueryBeyondTheCountFadesTheOlder) {
  Observer observer(newest(4), 1);
  observer.begin_batch(0, 4, 4);
  observer.fade(0, 1);
  observer.take(0, std::vector<double>(64, 4.0));
  // A token that is fed alone is not all of the newest, so what was gathered stays, less a quarter.
  observer.begin_batch(4, 1, 5);
  observer.fade(0, 1);
  EXPECT_EQ(observer.gathered(0)[0], 3.0);
}

TEST(ObserverBatch, AFeedOfAllThatCountsDiscardsTheOlder) {
  Observer observer(newest(2), 1);
  observer.begin_batch(0, 2, 2);
  observer.fade(0, 1);
  observer.take(0, std::vector<double>(64, 1.0));
  observer.begin_batch(2, 5, 7);
  observer.fade(0, 1);
  EXPECT_EQ(observer.gathered(0)[0], 0.0);
}

TEST(ObserverBatch, DecayMultipliesOlderQueries) {
  PolicyNeeds needs = newest(PolicyNeeds::kAllQueries);
  needs.decay = 0.5F;
  Observer observer(needs, 1);
  observer.begin_batch(0, 3, 3);
  EXPECT_EQ(observer.weight(0), 0.25F);
  EXPECT_EQ(observer.weight(1), 0.5F);
  EXPECT_EQ(observer.weight(2), 1.0F);
}

TEST(Observer, MovesWhatPageZeroGotToTheExactPrefix) {
  Observer observer(newest(PolicyNeeds::kAllQueries), 1);
  observer.fade(0, 2);
  std::vector<double> part(128, 0.0);
  part[0] = 1.0;
  part[64] = 2.0;
  part[80] = 3.0;
  observer.take(0, part);
  observer.move_to_prefix(0, 16);
  EXPECT_EQ(observer.gathered(0)[0], 3.0);
  EXPECT_EQ(observer.gathered(0)[64], 0.0);
  EXPECT_EQ(observer.gathered(0)[80], 3.0);
}

TEST(Observers, ShareWhatIsGatheredForTheSameNeeds) {
  Observers observers;
  observers.add(newest(0), 1);
  EXPECT_TRUE(observers.list().empty());
  PolicyNeeds keys_too = newest(8);
  keys_too.keys = true;
  observers.add(newest(8), 1);
  observers.add(keys_too, 1);
  observers.add(newest(9), 1);
  EXPECT_EQ(observers.list().size(), 2U);
  EXPECT_NE(observers.find(keys_too), nullptr);
  observers.remove(newest(8));
  EXPECT_EQ(observers.find(keys_too), nullptr);
}

}  // namespace
}  // namespace pith::kv
