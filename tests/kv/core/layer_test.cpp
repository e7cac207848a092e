#include "kv/core/layer.h"

#include <gtest/gtest.h>

#include "kernels/select.h"
#include "kv/attention_reference.h"
#include "kv/core/rewind.h"

namespace pith::kv {
namespace {

/// Layers of two shapes, one of them behind a window.
CacheOptions mixed_layers() {
  CacheOptions options;
  options.layers = {{{4, 2, 64, 32, 0}, "int4", "int8"}, {{6, 1, 32, 64, 100}, "f16", "int2"}};
  return options;
}

TEST(Layer, HasItsOwnShapeAndHeads) {
  Cache cache(mixed_layers(), kernels::select_kernels());
  ASSERT_EQ(cache.layers().size(), 2U);
  EXPECT_TRUE(cache.layer(0).global());
  EXPECT_FALSE(cache.layer(1).global());
  EXPECT_EQ(cache.layer(0).heads().size(), 2U);
  EXPECT_EQ(cache.layer(1).heads().size(), 1U);
  EXPECT_EQ(cache.layer(0).keys().size(), 64U);
  EXPECT_EQ(cache.layer(1).keys().size(), 32U);
  EXPECT_EQ(cache.global_heads().size(), 2U);
  std::size_t index = 0;
  for (const Head* head : cache.heads()) {
    EXPECT_EQ(head->index(), index++);
    EXPECT_EQ(&cache.layer(head->layer().number).head(head->number()), head);
  }
}

TEST(Layer, OfAForkIsItsOwnButSharesPages) {
  const KvShape shape = {2, 1, 64, 64, {0}};
  Cache cache(uniform(shape, "int4", "int4"), kernels::select_kernels());
  test::attend_in_batches(cache, test::Sequence(shape, 200, 1), {64}, 1, 0.1F);
  Cache fork = cache;
  const Head& head = cache.layer(0).head(0);
  Head& copy = fork.layer(0).head(0);
  EXPECT_NE(&head, &copy);
  EXPECT_EQ(&head.layer(), &copy.layer());
  const SidePages& pages = head.pages(KvSide::kKeys);
  EXPECT_EQ(pages.pages[0].recent, copy.pages(KvSide::kKeys).pages[0].recent);
  EXPECT_EQ(pages.open, copy.pages(KvSide::kKeys).open);
  // A fork that writes gets an open page of its own.
  test::attend_in_batches(fork, test::Sequence(shape, 201, 1), {1}, 1, 0.1F);
  EXPECT_NE(pages.open, copy.pages(KvSide::kKeys).open);
  fork.clear();
  EXPECT_EQ(head.held_tokens(cache.tokens()), 200U);
}

TEST(Head, HoldsWhatItsWindowLeaves) {
  Cache cache(mixed_layers(), kernels::select_kernels());
  const Head& windowed = cache.layer(1).head(0);
  EXPECT_EQ(windowed.held_tokens(70), 70U);
  EXPECT_EQ(windowed.held_tokens(500), 100U);
  Head& global = cache.layer(0).head(0);
  global.slots.exact_prefix = first_tokens(4);
  global.slots.slots.push_back({0, ~first_tokens(16), {}});
  EXPECT_EQ(global.held_tokens(70), 4U + 48U + 6U);
}

TEST(Rewind, GoesBackToPagesThatAreHeldAsTheyWere) {
  const KvShape shape = {2, 1, 64, 64, {0}};
  const test::Sequence s(shape, 400, 1);
  for (const char* codec : {"f16", "int8", "int4"}) {
    Cache cache(uniform(shape, codec, codec), kernels::select_kernels());
    const std::vector<float> expected = test::attend_in_batches(cache, s, {64}, 1, 0.1F);
    EXPECT_FALSE(can_rewind(cache, 0));
    if (!can_rewind(cache, 320)) continue;
    rewind(cache, 320);
    const std::vector<float> again = test::attend_in_batches(cache, s, {64}, 1, 0.1F);
    EXPECT_TRUE(std::equal(expected.begin() + 320 * 128, expected.end(), again.begin() + 320 * 128)) << codec;
  }
}

}  // namespace
}  // namespace pith::kv
