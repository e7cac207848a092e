#include "model/buffers.h"

#include <gtest/gtest.h>

namespace pith::model {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

ModelSpec shape_of(std::size_t hidden_size, std::size_t heads, std::size_t head_size, std::size_t feed_forward) {
  ModelSpec spec;
  spec.hidden_size = hidden_size;
  LayerSpec layer;
  layer.attention.heads = heads;
  layer.attention.kv_heads = heads;
  layer.attention.key_size = head_size;
  layer.attention.value_size = head_size;
  layer.feed_forward.size = feed_forward;
  spec.layers = {layer};
  return spec;
}

TEST(Buffers, OfUsualShapesHoldWholeBatches) {
  EXPECT_GE(Buffers::tokens_within(shape_of(4096, 32, 128, 14336), 192 * kMebibyte), 512U);
}

// A file of a few kilobytes can state any shape.
TEST(Buffers, OfOddShapesHoldFewTokensButOne) {
  EXPECT_LT(Buffers::tokens_within(shape_of(1, 1, 16, std::size_t{1} << 20), 192 * kMebibyte), 20U);
  EXPECT_LT(Buffers::tokens_within(shape_of(1, 1U << 14, 16, 16), 192 * kMebibyte), 50U);
  EXPECT_EQ(Buffers::tokens_within(shape_of(1, 1U << 20, 512, 16), kMebibyte), 1U);
}

TEST(Buffers, OfExpertsAreCounted) {
  ModelSpec dense = shape_of(512, 8, 64, 1024);
  ModelSpec mixture = dense;
  mixture.layers.front().feed_forward.experts = {.count = 16, .used = 4};
  for (const std::size_t tokens : {1U, 100U}) {
    const auto said = static_cast<double>(Buffers::bytes_of(mixture, tokens));
    const auto more =
        static_cast<double>(Buffers(mixture, tokens).bytes()) - static_cast<double>(Buffers(dense, tokens).bytes());
    EXPECT_GT(more, 0.0);
    EXPECT_GT(said, 0.5 * more) << tokens;
  }
  EXPECT_LT(Buffers::tokens_within(mixture, 32 * kMebibyte), Buffers::tokens_within(dense, 32 * kMebibyte));
  EXPECT_EQ(Buffers::tokens_within(mixture, kMebibyte), 1U);
}

}  // namespace
}  // namespace pith::model
