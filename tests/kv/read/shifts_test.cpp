#include "kv/read/shifts.h"

#include <gtest/gtest.h>

#include <memory>

#include "kernels/select.h"
#include "kv/core/cache.h"
#include "kv/kv_shape.h"

namespace pith::kv {
namespace {

/// Returns slots of the pages [0, pages), all tokens held.
HeadSlots whole_pages(std::int32_t pages) {
  HeadSlots slots;
  for (std::int32_t page = 0; page < pages; ++page) slots.slots.push_back({page, kAllTokens, {}});
  return slots;
}

TEST(Shifts, AreNoneWhereNothingIsMissing) { EXPECT_EQ(shifts_over_evicted(whole_pages(3), 3 * 64 + 5), Shifts(5, 0)); }

TEST(Shifts, AreTheTokensMissingAfterACell) {
  HeadSlots slots = whole_pages(3);
  slots.slots[1].live = first_tokens(10);
  slots.slots[2].live = ~first_tokens(4);
  // Slot 2 holds its last token, so nothing is missing after it; slot 1 ends after 10 of its tokens.
  EXPECT_EQ(shifts_over_evicted(slots, 3 * 64), (Shifts{0, 54 + 4, 54 + 4, 0, 0}));
}

TEST(Shifts, OfThePrefixCountEverythingAfterIt) {
  HeadSlots slots = whole_pages(2);
  slots.exact_prefix = first_tokens(4);
  slots.slots[0].live = 0;
  EXPECT_EQ(shifts_over_evicted(slots, 2 * 64 + 1), (Shifts{60, 0, 0, 0}));
}

TEST(Shifts, OfOwnCellsCloseHolesAndMakeRoom) {
  const CacheOptions options = uniform({1, 1, 16, 16, {0}}, "f16", "f16");
  Cache cache(options, kernels::select_kernels());
  cache.set_tokens(128);
  auto other = std::make_shared<Cache>(options, kernels::select_kernels());
  other->set_tokens(1000);
  cache.borrow(other);
  cache.set_tokens(192);
  Holes holes;
  holes.add(40, 70);
  cache.set_holes(holes);
  HeadSlots slots = whole_pages(3);
  slots.exact_prefix = first_tokens(16);
  for (std::size_t page = 0; page < 3; ++page) slots.slots[page].live = holes.left_of(page);
  EXPECT_EQ(shifts_of_own(slots, cache), (Shifts{30 - 1000, 30 - 1000, -1000, 0, 0}));
  EXPECT_EQ(cache.length(), 192U - 30U + 1000U);
}

TEST(Shifts, OfBorrowedCellsPutThemBeforeWhatComesAfter) {
  const CacheOptions options = uniform({1, 1, 16, 16, {0}}, "f16", "f16");
  Cache cache(options, kernels::select_kernels());
  Holes skipped;
  skipped.add(0, 30);
  for (const std::size_t tokens : {100UL, 70UL}) {
    auto other = std::make_shared<Cache>(options, kernels::select_kernels());
    other->set_tokens(tokens);
    other->set_holes(skipped);
    cache.borrow(other);
  }
  HeadSlots slots = whole_pages(1);
  slots.slots[0].live = skipped.left_of(0);
  // A query at 0 is one position after the second's last token, and 1 + 40 after the first's.
  EXPECT_EQ(shifts_of_borrowed(slots, cache, 1), (Shifts{-70, -70, -70}));
  EXPECT_EQ(shifts_of_borrowed(slots, cache, 0), (Shifts{-140, -140, -140}));
}

class LayerShiftsTest : public testing::Test {
 protected:
  LayerShiftsTest() {
    for (LayerOptions& layer : options_.layers) layer.rotary.frequencies = {1.0, 0.5};
  }
  /// Returns a cache of three pages, the second of which is not held.
  Cache cache(std::size_t trained) {
    options_.trained = trained;
    Cache cache(options_, kernels::select_kernels());
    for (Head* head : cache.heads()) {
      head->slots = whole_pages(3);
      head->slots.slots[1].live = 0;
    }
    return cache;
  }
  static Step last_token(Cache& cache) { return {&cache, 0, 1, 191}; }

  CacheOptions options_ = uniform({1, 1, 16, 16, {0, 100}}, "f16", "f16");
  LayerShifts shifts_;
};

TEST_F(LayerShiftsTest, OfWhatWasEvictedAreNoneUpToTheTrainedLengthAndBehindAWindow) {
  Cache within = cache(192);
  shifts_.find(within.layer(0), last_token(within));
  EXPECT_EQ(shifts_.of(0, cell_of_slot(0), 191), 0U);
  Cache past = cache(100);
  shifts_.find(past.layer(1), last_token(past));
  EXPECT_EQ(shifts_.of(0, cell_of_slot(0), 191), 0U);
  shifts_.find(past.layer(0), last_token(past));
  EXPECT_EQ(shifts_.of(0, cell_of_slot(0), 191), 64U);
  EXPECT_EQ(shifts_.of(0, cell_of_slot(2), 191), 0U);
  EXPECT_EQ(shifts_.of(0, cell_of_slot(0), 96), 0U) << "a block that begins before the trained length";
}

TEST_F(LayerShiftsTest, OverHolesAreInAllLayersAtOnce) {
  Cache holed = cache(1000);
  Holes holes;
  holes.add(64, 128);
  holed.set_holes(holes);
  for (const std::size_t layer : {0UL, 1UL}) {
    shifts_.find(holed.layer(layer), last_token(holed));
    EXPECT_EQ(shifts_.of(0, cell_of_slot(0), 0), 64U);
    EXPECT_EQ(shifts_.of(0, cell_of_slot(2), 191), 0U);
  }
}

TEST_F(LayerShiftsTest, AreNoneWithoutRotation) {
  for (LayerOptions& layer : options_.layers) layer.rotary = {};
  Cache past = cache(100);
  shifts_.find(past.layer(0), last_token(past));
  EXPECT_EQ(shifts_.of(0, cell_of_slot(0), 191), 0U);
}

}  // namespace
}  // namespace pith::kv
