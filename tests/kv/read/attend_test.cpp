#include "kv/read/attend.h"

#include <gtest/gtest.h>

#include "kernels/select.h"
#include "kv/attention_reference.h"

namespace pith::kv {
namespace {

using test::attend_in_batches;
using test::attend_naively;
using test::relative_distance;
using test::Sequence;

/// Maximal error of a codec's attention over normally distributed vectors: relative root mean square.
struct AttentionLimit {
  const char* name;
  double error;
};
constexpr AttentionLimit kLimits[] = {{"f32", 1e-5},  {"f16", 1e-3},  {"bf16", 6e-3}, {"int8", 1e-2},
                                      {"int4", 0.13}, {"int3", 0.25}, {"int2", 0.5}};

class Attend : public testing::TestWithParam<AttentionLimit> {};

const KvShape kShapes[] = {
    {6, 2, 64, 64, {0}}, {4, 4, 32, 32, {0}}, {4, 1, 64, 64, {0}},   {2, 1, 80, 80, {0}},
    {2, 2, 96, 48, {0}}, {3, 1, 16, 16, {0}}, {2, 1, 256, 256, {0}},
};

TEST_P(Attend, MatchesTheDefinition) {
  // The reference implementation is slow under sanitizers.
  constexpr std::size_t kTokens = PITH_SANITIZED != 0 ? 200 : 500;
  for (const KvShape& shape : kShapes) {
    const Sequence s(shape, kTokens, 1);
    const float scale = 1.0F / std::sqrt(static_cast<float>(shape.key_size));
    const auto expected = attend_naively(shape, s, 0, scale);
    for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
      Cache cache(uniform(shape, GetParam().name, GetParam().name), *table);
      const auto got = attend_in_batches(cache, s, {128}, 2, scale);
      EXPECT_LT(relative_distance(got, expected), GetParam().error) << table->name << ", head size " << shape.key_size;
    }
  }
}

/// Of scores up to about 3, and of logits that take from nothing to nearly everything.
TEST_P(Attend, SoftCapsAndSinkLogits) {
  constexpr std::size_t kTokens = PITH_SANITIZED != 0 ? 200 : 500;
  const KvShape shape = {6, 2, 64, 64, {0}};
  const Sequence s(shape, kTokens, 5);
  const auto plain = attend_naively(shape, s, 0, 0.125F);
  for (const test::Scoring& scoring : {test::Scoring{0.7F, {}},
                                       {0.0F, {-30.0F, 0.0F, 3.0F, 6.0F, 7.0F, -1.0F}},
                                       {1.5F, {5.0F, 5.0F, 5.0F, 0.0F, 1.0F, 2.0F}}}) {
    const auto expected = attend_naively(shape, s, 0, 0.125F, scoring);
    EXPECT_GT(relative_distance(expected, plain), 0.1) << "it makes a difference";
    for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
      Cache cache(uniform(shape, GetParam().name, GetParam().name), *table);
      const auto got = attend_in_batches(cache, s, {120, 1}, 2, 0.125F, 0, scoring);
      EXPECT_LT(relative_distance(got, expected), GetParam().error) << table->name << ", cap " << scoring.softcap;
    }
  }
}

TEST_P(Attend, DoesNotDependOnBatchesOrThreads) {
  const KvShape shape = {6, 2, 64, 64, {0, 100}};
  const Sequence s(shape, 530, 2);
  const auto& kernels = kernels::select_kernels();
  for (const std::size_t layer : {0UL, 1UL}) {
    Cache first(uniform(shape, GetParam().name, GetParam().name), kernels);
    const auto expected = attend_in_batches(first, s, {530}, 1, 0.125F, layer);
    const std::vector<std::vector<std::size_t>> cuts = {{1}, {7}, {64}, {100, 1, 1, 1}, {33, 256}};
    for (const auto& cut : cuts) {
      for (const int threads : {1, 3}) {
        if (PITH_SANITIZED != 0 && threads == 1) continue;
        Cache cache(uniform(shape, GetParam().name, GetParam().name), kernels);
        EXPECT_EQ(attend_in_batches(cache, s, cut, threads, 0.125F, layer), expected)
            << "bit for bit; first cut " << cut[0];
      }
    }
  }
}

TEST_P(Attend, SlidingWindowsSeeTheirWindowAndHoldNoMore) {
  for (const std::size_t window : {1UL, 17UL, 64UL, 100UL, 200UL}) {
    const KvShape shape = {2, 1, 64, 64, {window}};
    const Sequence s(shape, 500, window);
    Cache cache(uniform(shape, GetParam().name, GetParam().name), kernels::select_kernels());
    const auto got = attend_in_batches(cache, s, {50}, 2, 0.125F);
    EXPECT_LT(relative_distance(got, attend_naively(shape, s, window, 0.125F)), GetParam().error)
        << "window " << window;
    std::size_t held = 0;
    for (const Page& page : cache.layer(0).head(0).pages(KvSide::kKeys).pages)
      held += page.recent || page.old ? 1U : 0U;
    EXPECT_LE(held, window / kPageTokens + 1);
    EXPECT_EQ(cache.layer(0).head(0).pages(KvSide::kKeys).exact_prefix, nullptr);
  }
}

TEST_P(Attend, KeysAndValuesChosenApart) {
  const KvShape shape = {2, 1, 64, 64, {0}};
  const Sequence s(shape, 200, 3);
  const auto expected = attend_naively(shape, s, 0, 0.125F);
  for (const AttentionLimit& value : kLimits) {
    Cache cache(uniform(shape, GetParam().name, value.name), kernels::select_kernels());
    EXPECT_LT(relative_distance(attend_in_batches(cache, s, {90}, 2, 0.125F), expected), GetParam().error + value.error)
        << value.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Attend, testing::ValuesIn(kLimits),
                         [](const auto& test) { return std::string(test.param.name); });

/// Each layer of a cache gives what it gives alone in a cache of its own.
TEST(AttendLayers, MayHaveShapesOfTheirOwn) {
  const KvShape shapes[] = {{6, 2, 64, 64, {0}}, {4, 4, 32, 96, {100}}, {3, 1, 128, 16, {0}}};
  const char* codecs[] = {"int4", "f16", "int8"};
  CacheOptions options;
  for (std::size_t layer = 0; layer < 3; ++layer)
    options.layers.push_back({shapes[layer].layer(0), codecs[layer], codecs[layer]});
  Cache cache(options, kernels::select_kernels());
  ThreadPool pool(2);
  Staging staging(ScratchLayout(cache), 90);
  Attention attention(ScratchLayout(cache), 90, pool.size());
  std::vector<Sequence> sequences;
  std::vector<std::vector<float>> outs;
  for (const KvShape& shape : shapes) {
    sequences.emplace_back(shape, 500, 6);
    outs.emplace_back(500 * shape.heads * shape.value_size);
  }
  while (cache.tokens() < 500) {
    const std::size_t tokens = cache.tokens() < 450 ? 90 : 1;
    for (std::size_t layer = 0; layer < 3; ++layer)
      test::attend_batch(cache, staging, attention, pool, sequences[layer], layer, tokens, 0.125F, outs[layer]);
    cache.set_tokens(cache.tokens() + tokens);
  }
  for (std::size_t layer = 0; layer < 3; ++layer) {
    Cache alone(uniform(shapes[layer], codecs[layer], codecs[layer]), kernels::select_kernels());
    EXPECT_EQ(outs[layer], attend_in_batches(alone, sequences[layer], {500}, 1, 0.125F)) << "layer " << layer;
  }
}

/// A cache of more than two subtrees of the merge tree, with a token whose attention has not been computed.
class AttendSubtrees : public testing::TestWithParam<int> {
 protected:
  static constexpr std::size_t kTokens = 2 * kSubtreeChunks * kChunkPages * kPageTokens + 700;

  AttendSubtrees() {
    const Step context = {&cache_, 0, kTokens - 1, 0};
    const ProjectedRows rows = {s_.queries.data(), s_.keys.data(), s_.values.data(), kWidth, 0.25F};
    append(std::span(&context, 1), staging_, pool_, 0, rows);
    finish_append(std::span(&context, 1), staging_, 0);
    cache_.set_tokens(kTokens - 1);
    const ProjectedRows last = {&s_.queries[step_.position * kWidth], &s_.keys[step_.position * kWidth],
                                &s_.values[step_.position * kWidth], kWidth, 0.25F};
    append(std::span(&step_, 1), staging_, pool_, 0, last);
  }

  AttendRows rows_to(std::vector<float>& out) const {
    return {&s_.queries[step_.position * kWidth], kWidth, out.data(), out.size(), 0.25F};
  }

  static constexpr std::size_t kWidth = 32;
  const KvShape shape_ = {2, 2, 16, 16, {0}};
  const Sequence s_{shape_, kTokens, 8};
  Cache cache_{uniform(shape_, "int4", "int4"), kernels::select_kernels()};
  ThreadPool pool_{GetParam()};
  Staging staging_{ScratchLayout(cache_), kTokens};
  Attention attention_{ScratchLayout(cache_), 1, pool_.size()};
  const Step step_ = {&cache_, 0, 1, kTokens - 1};
};

INSTANTIATE_TEST_SUITE_P(Threads, AttendSubtrees, testing::Values(1, 3));

/// As if three machines owned a subtree each.
TEST_P(AttendSubtrees, HandedOutAndMergedElsewhereGiveTheSameBits) {
  std::vector<float> expected(kWidth);
  attention_.run(std::span(&step_, 1), staging_, pool_, 0, rows_to(expected));

  const RowsBuffers parts(2 * 3, 1, 16);
  for (const SubtreeRange range : {SubtreeRange{2}, SubtreeRange{0, 1}, SubtreeRange{1, 2}}) {
    std::vector<float> unused(kWidth);
    attention_.run_subtrees(
        std::span(&step_, 1), staging_, pool_, 0, rows_to(unused), range,
        [&](std::size_t step, const AttendBlock& block, std::size_t subtree, const SoftmaxRows& state) {
          EXPECT_EQ(step, 0U);
          const SoftmaxRows part = parts.rows(block.kv_head * 3 + subtree, 1, 16);
          reset(part);
          merge(cache_.kernels(), state, part);
        });
  }
  std::vector<float> got(kWidth);
  const RowsBuffers total(1, 1, 16);
  for (std::size_t h = 0; h < 2; ++h) {
    reset(total.rows(0, 1, 16));
    for (std::size_t subtree = 0; subtree < 3; ++subtree)
      merge(cache_.kernels(), parts.rows(h * 3 + subtree, 1, 16), total.rows(0, 1, 16));
    Attention::write_out(step_, cache_.layer(0), rows_to(got), {h, h, 0, 1, step_.position}, total.rows(0, 1, 16));
  }
  EXPECT_EQ(got, expected);
}

TEST(AttendInt4, ALargeKeyBiasDoesNoHarm) {
  const KvShape shape = {2, 1, 64, 64, {0}};
  Sequence s(shape, 300, 4);
  const auto expected = attend_naively(shape, s, 0, 0.125F);
  // A constant added to one channel of every key does not change a softmax.
  for (std::size_t t = 0; t < s.tokens; ++t) s.keys[t * 64 + 5] += 600.0F;
  Cache cache(uniform(shape, "int4", "int4"), kernels::select_kernels());
  EXPECT_LT(relative_distance(attend_in_batches(cache, s, {64}, 1, 0.125F), expected), 0.2);
}

}  // namespace
}  // namespace pith::kv
