#include "kv/core/merge_tree.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "kernels/select.h"

namespace pith::kv {
namespace {

constexpr std::size_t kRows = 3;
constexpr std::size_t kSize = 16;

/// A softmax state with memory of its own.
struct State {
  std::vector<float> references = std::vector<float>(kRows);
  std::vector<float> sums = std::vector<float>(kRows);
  std::vector<float> out = std::vector<float>(kRows * kSize);

  State() { reset(rows()); }
  bool operator==(const State&) const = default;
  SoftmaxRows rows() { return {references.data(), sums.data(), out.data(), kRows, kSize}; }
};

/// Some of their rows saw nothing.
std::vector<State> random_chunks(std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::normal_distribution<float> normal;
  std::vector<State> chunks(count);
  for (State& chunk : chunks) {
    for (std::size_t r = 0; r < kRows; ++r) {
      if (random() % 4 == 0) continue;
      chunk.references[r] = 10.0F * normal(random);
      chunk.sums[r] = 1.0F + std::abs(normal(random));
      for (std::size_t i = 0; i < kSize; ++i) chunk.out[r * kSize + i] = normal(random);
    }
  }
  return chunks;
}

class MergeTreeTest : public testing::TestWithParam<std::size_t> {
 protected:
  /// Merges the chunks of some stripes along the tree. `stripes` receives the state of each.
  State along_the_tree(const StripeSet& set = {}, std::map<std::size_t, State>* stripes = nullptr) const {
    std::vector<State> chunks = random_chunks(GetParam());
    State stripe;
    State total;
    const MergeTree tree(kernels_, stripe.rows(), total.rows());
    for_stripes(
        set, chunks.size(), [&](std::size_t c) { tree.add_chunk(chunks[c].rows()); },
        [&](std::size_t number) {
          if (stripes != nullptr) (*stripes)[number] = stripe;
          tree.end_stripe();
        });
    return total;
  }

  const kernels::KernelTable& kernels_ = kernels::select_kernels();
};

INSTANTIATE_TEST_SUITE_P(Chunks, MergeTreeTest, testing::Values(1, 2, 15, 16, 17, 32, 45, 64, 100));

/// As if other machines or threads owned them.
TEST_P(MergeTreeTest, StripesThatWereMergedApartGiveTheSameBits) {
  for (const std::size_t owners : {1U, 2U, 3U, 7U, 16U, 20U}) {
    std::map<std::size_t, State> stripes;
    for (std::size_t owner = 0; owner < owners; ++owner) {
      const std::size_t before = stripes.size();
      along_the_tree({owner, owners}, &stripes);
      EXPECT_EQ(stripes.size() - before, (StripeSet{owner, owners}.count(GetParam())));
    }
    EXPECT_EQ(stripes.size(), std::min(GetParam(), kStripes));
    State total;
    for (auto& [number, state] : stripes) merge(kernels_, state.rows(), total.rows());
    EXPECT_TRUE(total == along_the_tree()) << owners << " owners";
  }
}

TEST_P(MergeTreeTest, OneChunkAStripeIsMergedFromLeftToRight) {
  State total;
  for (State& state : random_chunks(GetParam())) merge(kernels_, state.rows(), total.rows());
  EXPECT_EQ(total == along_the_tree(), GetParam() <= kStripes) << "one chunk more goes to the first stripe";
}

}  // namespace
}  // namespace pith::kv
