#include "kv/read/attend.h"

#include <gtest/gtest.h>

#include "kernels/select.h"
#include "kv/attention_reference.h"
#include "support/thread_ranks.h"

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

/// The outputs of one token behind a context of more chunks than there are stripes, as one of the ranks sees it.
class AttendOnRanks : public testing::TestWithParam<std::size_t> {
 protected:
  static constexpr std::size_t kTokens = (2 * kStripes + 1) * kChunkPages * kPageTokens + 700;
  static constexpr std::size_t kWidth = 32;

  struct Seen {
    std::vector<float> out = std::vector<float>(kWidth);
    std::size_t pages = 0;  ///< That it holds, of the keys of one KV head.
  };

  /// Steps of `tokens` tokens, the last of which is the last of the sequence.
  Seen attend(const std::shared_ptr<Ranks>& ranks, std::size_t tokens, int threads) const {
    CacheOptions options = uniform(shape_, "int4", "int4");
    options.ranks = ranks;
    Cache cache(options, kernels::select_kernels());
    ThreadPool pool(threads);
    Staging staging(ScratchLayout(cache), kTokens);
    Attention attention(ScratchLayout(cache), tokens, pool.size());
    const Step context = {&cache, 0, kTokens - tokens, 0};
    append(std::span(&context, 1), staging, pool, 0, rows_from(0));
    finish_append(std::span(&context, 1), staging, 0);
    const Step step = {&cache, 0, tokens, kTokens - tokens};
    append(std::span(&step, 1), staging, pool, 0, rows_from(step.position));
    std::vector<float> out(tokens * kWidth);
    attention.run(std::span(&step, 1), staging, pool, 0,
                  {&s_.queries[step.position * kWidth], kWidth, out.data(), kWidth, 0.25F});
    Seen seen;
    std::copy_n(&out[(tokens - 1) * kWidth], kWidth, seen.out.begin());
    for (const Page& page : cache.layer(0).head(0).pages(KvSide::kKeys).pages) seen.pages += page.old ? 1U : 0U;
    return seen;
  }

  ProjectedRows rows_from(std::size_t position) const {
    return {&s_.queries[position * kWidth], &s_.keys[position * kWidth], &s_.values[position * kWidth], kWidth, 0.25F};
  }

  const KvShape shape_ = {2, 2, 16, 16, {0}};
  const Sequence s_{shape_, kTokens, 8};
};

INSTANTIATE_TEST_SUITE_P(Ranks, AttendOnRanks, testing::Values(1, 2, 3, 4, 7, 16, 19));

/// A single token is answered with states, a prompt with pages.
TEST_P(AttendOnRanks, GivesTheSameBitsAndSpreadsThePages) {
  for (const std::size_t tokens : {std::size_t{1}, std::size_t{200}}) {
    const Seen alone = attend(nullptr, tokens, 3);
    pith::test::on_ranks(GetParam(), [&](const std::shared_ptr<Ranks>& ranks) {
      const Seen seen = attend(ranks, tokens, ranks->rank() % 2 == 0 ? 1 : 3);
      EXPECT_EQ(seen.out, alone.out) << "rank " << ranks->rank();
      // Every stripe has two or three chunks, and all ranks keep page 0.
      const std::size_t stripes = StripeSet{ranks->rank(), ranks->count()}.count(kStripes);
      EXPECT_GE(seen.pages, stripes * 2 * kChunkPages);
      EXPECT_LE(seen.pages, stripes * 2 * kChunkPages + 3 * kChunkPages + 1);
    });
  }
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
