#include "kv/read/shifts.h"

#include <gtest/gtest.h>

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

TEST(Shifts, AreNoneWhereNothingIsMissing) {
  EXPECT_EQ(shifts_of(whole_pages(3), 3 * 64 + 5), std::vector<std::size_t>(5, 0));
}

TEST(Shifts, AreTheTokensMissingAfterACell) {
  HeadSlots slots = whole_pages(3);
  slots.slots[1].live = first_tokens(10);
  slots.slots[2].live = ~first_tokens(4);
  // Slot 2 holds its last token, so nothing is missing after it; slot 1 ends after 10 of its tokens.
  EXPECT_EQ(shifts_of(slots, 3 * 64), (std::vector<std::size_t>{0, 54 + 4, 54 + 4, 0, 0}));
}

TEST(Shifts, OfThePrefixCountEverythingAfterIt) {
  HeadSlots slots = whole_pages(2);
  slots.exact_prefix = first_tokens(4);
  slots.slots[0].live = 0;
  EXPECT_EQ(shifts_of(slots, 2 * 64 + 1), (std::vector<std::size_t>{60, 0, 0, 0}));
}

TEST(LayerShifts, AreNoneUpToTheTrainedLengthAndBehindAWindow) {
  Cache cache(uniform({1, 1, 16, 16, {0, 100}}, "f16", "f16"), kernels::select_kernels());
  for (Head* head : cache.heads()) {
    head->slots = whole_pages(3);
    head->slots.slots[1].live = 0;
  }
  LayerShifts shifts;
  shifts.find(cache.layer(0), 192, 192);
  EXPECT_TRUE(shifts.none());
  shifts.find(cache.layer(1), 100, 192);
  EXPECT_TRUE(shifts.none());
  shifts.find(cache.layer(0), 100, 192);
  EXPECT_FALSE(shifts.none());
  EXPECT_EQ(shifts.of(0, cell_of_slot(0)), 64U);
  EXPECT_EQ(shifts.of(0, cell_of_slot(2)), 0U);
}

}  // namespace
}  // namespace pith::kv
