#include "kv/read/page_choice.h"

#include <gtest/gtest.h>

#include <set>

#include "kernels/select.h"
#include "kv/attention_reference.h"

namespace pith::kv {
namespace {

using test::attend_in_batches;
using test::Sequence;

constexpr std::size_t kPagesHeld = 24;
const KvShape kSparseShape = {6, 2, 64, 64, {0}};

Cache sparse_cache(const KvShape& shape, const char* codec, double share, std::size_t pages_min = 0) {
  CacheOptions options = uniform(shape, codec, codec);
  options.sparse = {share, pages_min};
  return {options, kernels::select_kernels()};
}

Sequence sequence(const KvShape& shape, std::uint64_t seed) { return {shape, kPagesHeld * kPageTokens + 5, seed}; }

constexpr std::size_t kPlanted = 30;

/// Position of the outlier key of page `page`, which planted() enlarges.
const float* planted_key(const Sequence& s, std::size_t page, std::size_t kv_head) {
  return &s.keys[((page * kPageTokens + kPlanted) * kSparseShape.kv_heads + kv_head) * kSparseShape.key_size];
}

Sequence planted(std::uint64_t seed) {
  Sequence s = sequence(kSparseShape, seed);
  const std::size_t width = kSparseShape.kv_heads * kSparseShape.key_size;
  for (std::size_t page = 0; page < kPagesHeld; ++page) {
    float* row = &s.keys[(page * kPageTokens + kPlanted) * width];
    for (std::size_t i = 0; i < width; ++i) row[i] *= 4.0F;
  }
  return s;
}

/// Returns the slots that a query of the last page reads.
std::set<std::uint32_t> chosen(const Cache& cache, const float* queries, std::size_t kv_head = 0) {
  PageChoice choice;
  const auto& slots =
      choice.choose(cache.options().sparse, cache.layer(0).head(kv_head), queries, kPagesHeld, kPagesHeld);
  EXPECT_TRUE(std::is_sorted(slots.begin(), slots.end()));
  return {slots.begin(), slots.end()};
}

/// Returns queries of a group that match a key.
std::vector<float> queries_for(const float* key, float factor) {
  std::vector<float> queries(kSparseShape.group() * kSparseShape.key_size);
  for (std::size_t i = 0; i < queries.size(); ++i) queries[i] = factor * key[i % kSparseShape.key_size];
  return queries;
}

class PageChoices : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Codecs, PageChoices, testing::Values("f16", "int8", "int4"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(PageChoices, AreTheShareAndAlwaysTheRecentOnes) {
  const Sequence s = sequence(kSparseShape, 1);
  for (const double share : {0.001, 0.25, 0.5, 0.9}) {
    Cache cache = sparse_cache(kSparseShape, GetParam(), share);
    attend_in_batches(cache, s, {400}, 2, 0.125F);
    const std::set<std::uint32_t> read = chosen(cache, s.queries.data());
    std::size_t always =
        cache.layer(0).keys().recent_pages() + (cache.layer(0).config().keeps_exact_prefix() ? 0U : 1U);
    EXPECT_EQ(read.size() + 1, std::max<std::size_t>(always + 1, static_cast<std::size_t>(share * (kPagesHeld + 1))));
    for (std::uint32_t page = kPagesHeld - static_cast<std::uint32_t>(cache.layer(0).keys().recent_pages());
         page < kPagesHeld; ++page)
      EXPECT_EQ(read.count(page), 1U) << page;
    EXPECT_EQ(read.count(0), cache.layer(0).config().keeps_exact_prefix() ? read.count(0) : 1U)
        << "an exact prefix that is not kept apart";
  }
  Cache cache = sparse_cache(kSparseShape, GetParam(), 0.001, 10);
  attend_in_batches(cache, s, {400}, 2, 0.125F);
  EXPECT_EQ(chosen(cache, s.queries.data()).size() + 1, 10U);
}

TEST_P(PageChoices, APageWithAKeyThatMatchesIsReadAndNothingIsDropped) {
  const Sequence s = planted(2);
  Cache cache = sparse_cache(kSparseShape, GetParam(), 0.25);
  attend_in_batches(cache, s, {400, 1, 1}, 2, 0.125F);
  // After many tokens that skipped most pages, each page is still found by the query that matches it.
  for (std::uint32_t page = 0; page < kPagesHeld; ++page) {
    for (std::size_t head = 0; head < kSparseShape.kv_heads; ++head) {
      const std::set<std::uint32_t> read = chosen(cache, queries_for(planted_key(s, page, head), 0.25F).data(), head);
      EXPECT_EQ(read.count(page), 1U) << "page " << page << ", head " << head;
      EXPECT_LE(read.size() + 1, (kPagesHeld + 1) / 4);
    }
  }
}

TEST_P(PageChoices, DoNotDependOnThreads) {
  const Sequence s = sequence(kSparseShape, 4);
  Cache one = sparse_cache(kSparseShape, GetParam(), 0.25);
  const auto expected = attend_in_batches(one, s, {300, 1, 1, 1}, 1, 0.125F);
  for (const int threads : {2, 5}) {
    Cache cache = sparse_cache(kSparseShape, GetParam(), 0.25);
    EXPECT_EQ(attend_in_batches(cache, s, {300, 1, 1, 1}, threads, 0.125F), expected);
  }
}

TEST_P(PageChoices, OnlyATokenAloneBehindNoWindowReadsLess) {
  const KvShape shape = {6, 2, 64, 64, {0, 500}};
  const Sequence s = sequence(shape, 5);
  for (const std::size_t layer : {0UL, 1UL}) {
    Cache full(uniform(shape, GetParam(), GetParam()), kernels::select_kernels());
    const auto expected = attend_in_batches(full, s, {300, 1}, 2, 0.125F, layer);
    Cache sparse = sparse_cache(shape, GetParam(), 0.25);
    EXPECT_EQ(attend_in_batches(sparse, s, {300}, 2, 0.125F, layer), expected) << "layer " << layer;
    Cache alone = sparse_cache(shape, GetParam(), 0.25);
    const bool same = attend_in_batches(alone, s, {300, 1}, 2, 0.125F, layer) == expected;
    EXPECT_EQ(same, layer == 1) << "layer " << layer;
    EXPECT_EQ(alone.bytes().summary, 2 * KeyRanges::bytes_of(kPagesHeld, 64)) << "of the layer without a window";
    EXPECT_EQ(alone.bytes().summary, alone.bytes_at(s.tokens).summary);
    EXPECT_EQ(full.bytes().summary, 0U);
  }
}

TEST_P(PageChoices, AShareThatCoversEverythingIsFullReading) {
  const Sequence s = sequence(kSparseShape, 6);
  Cache full(uniform(kSparseShape, GetParam(), GetParam()), kernels::select_kernels());
  const auto expected = attend_in_batches(full, s, {300, 1, 1, 1}, 2, 0.125F);
  Cache sparse = sparse_cache(kSparseShape, GetParam(), 0.25, kPagesHeld + 1);
  EXPECT_EQ(attend_in_batches(sparse, s, {300, 1, 1, 1}, 2, 0.125F), expected) << "bit for bit";
}

TEST(PageChoice, APageWithAKeyThatIsNoNumberIsRead) {
  Sequence s = sequence(kSparseShape, 7);
  s.keys[(3 * kPageTokens + 7) * kSparseShape.kv_heads * kSparseShape.key_size] = std::nanf("");
  Cache cache = sparse_cache(kSparseShape, "f16", 0.25);
  attend_in_batches(cache, s, {400}, 2, 0.125F);
  EXPECT_EQ(chosen(cache, s.queries.data()).count(3), 1U);
}

}  // namespace
}  // namespace pith::kv
