#include "tokenizer/merge_table.h"

#include <gtest/gtest.h>

namespace pith::tokenizer {
namespace {

TEST(MergeTable, FindsWhatWasInserted) {
  constexpr int kCount = 3000;
  MergeTable table(kCount);
  for (int i = 0; i < kCount; ++i) table.insert(i % 50, i / 50, {i, 1000 + i});
  for (int i = 0; i < kCount; ++i) {
    const Merge merge = table.find(i % 50, i / 50);
    EXPECT_EQ(merge.rank, i);
    EXPECT_EQ(merge.merged, 1000 + i);
  }
  EXPECT_EQ(table.find(50, 0).rank, -1);
  EXPECT_EQ(table.find(0, 60).rank, -1);
}

TEST(MergeTable, TellsOrderApartAndKnowsNoMissingToken) {
  MergeTable table(2);
  table.insert(1, 2, {0, 3});
  EXPECT_EQ(table.find(2, 1).rank, -1);
  EXPECT_EQ(table.find(-1, 2).rank, -1);
  EXPECT_EQ(table.find(1, -1).rank, -1);
  EXPECT_EQ(table.find(-1, -1).rank, -1);
}

TEST(MergeTable, FirstOfEqualPairsCounts) {
  MergeTable table(2);
  table.insert(1, 2, {0, 3});
  table.insert(1, 2, {1, 4});
  EXPECT_EQ(table.find(1, 2).merged, 3);
}

TEST(MergeTable, EmptyOneFindsNothing) { EXPECT_EQ(MergeTable(0).find(0, 0).rank, -1); }

}  // namespace
}  // namespace pith::tokenizer
