#include "kv/write/staging.h"

#include <gtest/gtest.h>

#include <set>

#include "kernels/select.h"
#include "kv/kv_shape.h"
#include "kv/write/append.h"

namespace pith::kv {
namespace {

class StagingTest : public testing::Test {
 protected:
  StagingTest() {
    for (int i = 0; i < 3; ++i) caches_.emplace_back(uniform(shape_, "int4", "int4"), kernels::select_kernels());
  }

  const KvShape shape_ = {4, 2, 32, 16, {0}};
  std::vector<Cache> caches_;
};

TEST_F(StagingTest, EveryPageOfEveryStepHasAPlaceOfItsOwn) {
  const Step steps[] = {{&caches_[0], 0, 130, 60}, {&caches_[1], 130, 1, 63}, {&caches_[2], 131, 64, 0}};
  Staging staging(ScratchLayout{caches_[0]}, 10);
  staging.begin(steps, 0);
  EXPECT_EQ(staging.pages(), 3U + 1U + 1U);
  std::set<const std::byte*> places;
  std::size_t n = 0;
  for (std::size_t s = 0; s < 3; ++s) {
    const StagedPages& staged = staging.of(s);
    EXPECT_FALSE(staged.in_place()) << "each of them completes a page or has several tokens";
    const std::size_t first = steps[s].position / kPageTokens;
    EXPECT_EQ(staged.first_page(), first);
    for (std::size_t page = first; page * kPageTokens < steps[s].end(); ++page, ++n) {
      EXPECT_EQ(staging.step_of(n), s);
      EXPECT_EQ(staged.page_number(n), page);
      for (std::size_t h = 0; h < 2; ++h) {
        for (const KvSide side : kSides) places.insert(staged.page(side, h, page));
      }
    }
  }
  EXPECT_EQ(n, staging.pages());
  EXPECT_EQ(places.size(), 2 * 2 * staging.pages());
}

TEST_F(StagingTest, ASingleTokenThatLeavesItsPageOpenIsWrittenThere) {
  const Step steps[] = {{&caches_[0], 0, 1, 0}, {&caches_[1], 1, 2, 0}};
  Staging staging(ScratchLayout{caches_[0]}, 10);
  staging.begin(steps, 0);
  EXPECT_TRUE(staging.of(0).in_place());
  EXPECT_FALSE(staging.of(1).in_place());
  for (const KvSide side : kSides) {
    for (Head& head : caches_[0].layer(0).heads())
      EXPECT_EQ(staging.of(0).page(side, head.number(), 0), head.pages(side).open->data());
    EXPECT_EQ(caches_[1].layer(0).head(0).pages(side).open, nullptr);
  }
}

TEST_F(StagingTest, AForksOpenPageIsCopiedBeforeItIsWritten) {
  const Step one = {&caches_[0], 0, 1, 0};
  Staging staging(ScratchLayout{caches_[0]}, 10);
  staging.begin(std::span(&one, 1), 0);
  Cache fork = caches_[0];
  const Step next = {&fork, 0, 1, 1};
  staging.begin(std::span(&next, 1), 0);
  for (const KvSide side : kSides)
    EXPECT_NE(fork.layer(0).head(0).pages(side).open, caches_[0].layer(0).head(0).pages(side).open);
}

TEST_F(StagingTest, GrowsWithThePass) {
  Staging staging(ScratchLayout{caches_[0]}, 1);
  const std::size_t before = staging.bytes();
  const Step step = {&caches_[0], 0, 1000, 0};
  staging.begin(std::span(&step, 1), 0);
  EXPECT_GT(staging.bytes(), before);
}

}  // namespace
}  // namespace pith::kv
