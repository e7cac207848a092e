#include "kv/core/merge_tree.h"

#include <gtest/gtest.h>

#include <cmath>
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
  /// Merges chunks along the tree. `subtrees` receives the state of each subtree.
  State along_the_tree(std::vector<State>* subtrees = nullptr) const {
    std::vector<State> chunks = random_chunks(GetParam());
    State subtree;
    State total;
    const MergeTree tree(kernels_, subtree.rows(), total.rows());
    for (std::size_t c = 0; c < chunks.size(); ++c) {
      tree.add_chunk(chunks[c].rows());
      if (!ends_subtree(c, chunks.size())) continue;
      if (subtrees != nullptr) subtrees->push_back(subtree);
      tree.end_subtree();
    }
    return total;
  }
  State from_left_to_right(std::vector<State> states) const {
    State total;
    for (State& state : states) merge(kernels_, state.rows(), total.rows());
    return total;
  }

  const kernels::KernelTable& kernels_ = kernels::select_kernels();
};

INSTANTIATE_TEST_SUITE_P(Chunks, MergeTreeTest, testing::Values(1, 2, 15, 16, 17, 32, 45, 64, 100));

/// As if other machines or threads owned them.
TEST_P(MergeTreeTest, SubtreesThatWereMergedApartGiveTheSameBits) {
  std::vector<State> subtrees;
  const State total = along_the_tree(&subtrees);
  EXPECT_EQ(subtrees.size(), (GetParam() + kSubtreeChunks - 1) / kSubtreeChunks);
  EXPECT_TRUE(from_left_to_right(subtrees) == total);
}

TEST_P(MergeTreeTest, OneSubtreeIsMergedFromLeftToRight) {
  const bool same = from_left_to_right(random_chunks(GetParam())) == along_the_tree();
  EXPECT_EQ(same, GetParam() <= kSubtreeChunks + 1) << "one chunk more is a subtree of its own";
}

}  // namespace
}  // namespace pith::kv
