#include "kv/core/checkpoint.h"

#include <gtest/gtest.h>

#include <array>

#include "kernels/select.h"
#include "kv/attention_reference.h"
#include "kv/kv_shape.h"

namespace pith::kv {
namespace {

using test::attend_in_batches;
using test::Sequence;

constexpr float kScale = 0.125F;

class CheckpointTest : public testing::Test {
 protected:
  Cache filled(const char* codec, std::size_t tokens) const {
    Cache cache(uniform(shape_, codec, codec), kernels::select_kernels());
    Sequence sequence = sequence_;
    sequence.tokens = tokens;
    attend_in_batches(cache, sequence, {100}, 1, kScale, 0);
    return cache;
  }

  const KvShape shape_ = {2, 1, 64, 64, {0}};
  const Sequence sequence_{shape_, 1000, 1};
};

TEST_F(CheckpointTest, OfATailHoldsTheRecentPagesAlone) {
  Cache cache = filled("int4", 640);
  const Checkpoint checkpoint = Checkpoint::of_tail(cache, 640);
  EXPECT_EQ(checkpoint.tokens(), 640U);
  const std::array one = {&checkpoint};
  const std::size_t tables = bytes_beyond(cache, one);
  EXPECT_LT(tables, 2048U) << "its pages are the cache's own";

  Cache later = filled("int4", 1000);
  const Codec& int8 = *later.layer(0).keys().recent();
  EXPECT_NEAR(static_cast<double>(bytes_beyond(later, one) - tables), static_cast<double>(8 * int8.page_bytes()),
              0.35 * static_cast<double>(8 * int8.page_bytes()))
      << "four pages of keys and of values";
}

TEST_F(CheckpointTest, CountsSharedPagesOnce) {
  const Cache cache = filled("int4", 640);
  const Checkpoint checkpoint = Checkpoint::of_tail(cache, 640);
  const Checkpoint second = Checkpoint::of_tail(cache, 640);
  const Cache later = filled("int4", 1000);
  const std::array one = {&checkpoint};
  const std::array two = {&checkpoint, &second};
  const std::size_t tables = bytes_beyond(cache, one);
  EXPECT_EQ(bytes_beyond(later, two), bytes_beyond(later, one) + tables);
}

TEST_F(CheckpointTest, NeedsThePagesBeforeIt) {
  Cache cache = filled("int4", 640);
  const Checkpoint tail = Checkpoint::of_tail(cache, 640);
  const Checkpoint all = Checkpoint::of_all(cache);
  const Checkpoint completed = tail.completed(cache);
  EXPECT_TRUE(tail.restorable(cache));
  cache.clear();
  EXPECT_FALSE(tail.restorable(cache));
  EXPECT_TRUE(all.restorable(cache));
  for (const Checkpoint* checkpoint : {&all, &completed}) {
    cache.clear();
    checkpoint->restore(cache);
    EXPECT_EQ(cache.tokens(), 640U);
    EXPECT_EQ(cache.bytes().total(), filled("int4", 640).bytes().total());
  }
}

}  // namespace
}  // namespace pith::kv
