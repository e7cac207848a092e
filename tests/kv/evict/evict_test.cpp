#include "kv/evict/evict.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "kernels/select.h"
#include "kv/attention_reference.h"
#include "kv/read/read_back.h"

#if __has_include(<malloc.h>)
#include <malloc.h>
#endif

namespace pith::kv {
namespace {

using test::attend_in_batches;
using test::Sequence;

const KvShape kShape = {4, 2, 64, 64, {0, 0}};
constexpr float kScale = 0.125F;

/// Pseudo-random scores that the test can recompute.
class Scripted final : public EvictionPolicy {
 public:
  static float score_of(const HeadView& head, std::int32_t position) {
    return static_cast<float>((position * 7919 + 31 * head.layer + 17 * head.kv_head) % 10007);
  }
  void score(const HeadView& head, std::span<float> scores) const override {
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] = score_of(head, head.positions[i]);
  }
};

/// Returns where a KV head holds each token, by position: cell and index.
std::map<std::int32_t, std::pair<std::size_t, std::size_t>> places_of(const Cache& cache, std::size_t layer,
                                                                      std::size_t h) {
  std::map<std::int32_t, std::pair<std::size_t, std::size_t>> places;
  const auto add = [&](std::size_t cell, TokenMask live, const std::vector<std::int32_t>& positions) {
    for (std::size_t t = 0; t < positions.size(); ++t) {
      if ((live >> t & 1U) == 0) continue;
      EXPECT_TRUE(places.emplace(positions[t], std::pair(cell, t)).second) << positions[t];
    }
  };
  const HeadSlots& head = cache.layer(layer).head(h).slots;
  add(0, head.exact_prefix, positions_of(Slot{0, kAllTokens, {}}));
  for (std::size_t i = 0; i < head.slots.size(); ++i)
    add(cell_of_slot(i), head.slots[i].live, positions_of(head.slots[i]));
  add(head.open_cell(), first_tokens(cache.tokens() % kPageTokens),
      positions_of(Slot{static_cast<std::int32_t>(cache.tokens() / kPageTokens), kAllTokens, {}}));
  return places;
}

using Rows = std::map<std::int32_t, std::vector<float>>;

Rows rows_of(const Cache& cache, KvSide side, std::size_t layer, std::size_t h) {
  HeldRows reader(cache.layer(layer).head(h), side);
  Rows rows;
  for (const auto& [position, place] : places_of(cache, layer, h)) {
    const std::span<const float> row = reader.row(place.first, place.second);
    rows[position] = {row.begin(), row.end()};
  }
  return rows;
}

class Evict : public testing::TestWithParam<std::string> {
 protected:
  Evict() : pool_(2) {
    policy_ = std::make_unique<Scripted>();
    allocator_ = make_allocator("uniform");
    selector_ = make_selector("token");
  }
  Evictor evictor() const { return {policy_.get(), allocator_.get(), selector_.get(), 4, 100, 0, kScale, "test"}; }
  Cache filled(std::size_t tokens) const {
    Cache cache(uniform(kShape, GetParam(), GetParam()), kernels::select_kernels());
    attend_in_batches(cache, Sequence(kShape, tokens, 1), {200}, 2, kScale);
    return cache;
  }
  bool movable() const {
    const Cache cache(uniform(kShape, GetParam(), GetParam()), kernels::select_kernels());
    return cache.layer(0).keys().codec().movable();
  }

  mutable ThreadPool pool_;
  std::unique_ptr<const EvictionPolicy> policy_;
  std::unique_ptr<const BudgetAllocator> allocator_;
  std::unique_ptr<const TokenSelector> selector_;
};

TEST_P(Evict, KeepsTheHighestScoredAndWhatIsProtected) {
  Cache cache = filled(1030);
  ASSERT_TRUE(evict(cache, pool_, evictor(), 500, Packing::kFull));
  for (std::size_t layer = 0; layer < 2; ++layer) {
    for (std::size_t h = 0; h < 2; ++h) {
      HeadView head;
      head.layer = static_cast<int>(layer);
      head.kv_head = static_cast<int>(h);
      std::vector<std::int32_t> others;
      for (std::int32_t p = 4; p < 930; ++p) others.push_back(p);
      std::sort(others.begin(), others.end(), [&](std::int32_t a, std::int32_t b) {
        return Scripted::score_of(head, a) > Scripted::score_of(head, b);
      });
      std::set<std::int32_t> expected(others.begin(), others.begin() + 500 - 104);
      for (const std::int32_t p : {0, 1, 2, 3}) expected.insert(p);
      for (std::int32_t p = 930; p < 1030; ++p) expected.insert(p);
      std::set<std::int32_t> kept;
      for (const auto& [position, place] : places_of(cache, layer, h)) kept.insert(position);
      EXPECT_EQ(kept, expected) << layer << " " << h;
      EXPECT_EQ(cache.layer(layer).head(h).held_tokens(cache.tokens()), 500U);
    }
  }
}

TEST_P(Evict, SurvivorsKeepEveryBit) {
  Cache cache = filled(1030);
  for (const std::size_t budget : {800UL, 500UL, 300UL, 150UL}) {
    const Cache before = cache;
    ASSERT_TRUE(evict(cache, pool_, evictor(), budget, Packing::kFull));
    for (const KvSide side : kSides) {
      for (std::size_t layer = 0; layer < 2; ++layer) {
        const Rows old_rows = rows_of(before, side, layer, 1);
        for (const auto& [position, row] : rows_of(cache, side, layer, 1))
          ASSERT_EQ(row, old_rows.at(position)) << "budget " << budget << ", position " << position;
      }
    }
  }
}

TEST_P(Evict, ReturnsTheMemoryOfWhatIsGone) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "a count, which is the same in builds that are fast";
  Cache cache = filled(2048);
  const std::size_t before = cache.bytes().sealed;
  evict(cache, pool_, evictor(), 512, Packing::kFull);
  const std::size_t after = cache.bytes().sealed;
  if (movable()) {
    EXPECT_LT(static_cast<double>(after), 0.5 * static_cast<double>(before));
  } else {
    EXPECT_LE(after, before);
  }
  // The cache alone holds no more than the fork it came from.
  EXPECT_EQ(filled(2048).bytes().sealed, before);
}

#if defined(__GLIBC__) && !PITH_SANITIZED
/// Measures the process's memory instead of trusting the cache's own figures.
TEST_P(Evict, TheAllocatorGetsIt) {
  const auto held = [] { return mallinfo2().uordblks; };
  Cache cache = filled(2048);
  const std::size_t before = held();
  const std::size_t counted = cache.bytes().sealed;
  evict(cache, pool_, evictor(), 512, Packing::kFull);
  const std::size_t returned = before - std::min(before, held());
  const std::size_t expected = counted - cache.bytes().sealed;
  // Slots, positions and origins come on top of pages.
  EXPECT_GE(static_cast<double>(returned), 0.9 * static_cast<double>(expected) - 65536.0);
}
#endif

TEST_P(Evict, EvictingNothingTouchesNothing) {
  Cache cache = filled(1030);
  const Cache before = cache;
  EXPECT_FALSE(evict(cache, pool_, evictor(), 1030, Packing::kFull));
  for (std::size_t i = 0; i < cache.layer(0).head(0).slots.slots.size(); ++i) {
    EXPECT_EQ(cache.layer(0).head(0).pages(KvSide::kKeys).pages[i].old,
              before.layer(0).head(0).pages(KvSide::kKeys).pages[i].old);
  }
}

/// Compares with attention by its definition over the tokens that the cache holds.
TEST_P(Evict, AttentionSeesWhatIsLeftAndNothingElse) {
  const std::size_t tokens = 1030;
  Sequence s(kShape, tokens + 40, 1);
  Cache cache(uniform(kShape, GetParam(), GetParam()), kernels::select_kernels());
  Sequence first = s;
  first.tokens = tokens;
  attend_in_batches(cache, first, {200}, 2, kScale);
  evict(cache, pool_, evictor(), 400, Packing::kFull);
  std::vector<Rows> keys, values;
  for (std::size_t h = 0; h < 2; ++h) {
    keys.push_back(rows_of(cache, KvSide::kKeys, 1, h));
    values.push_back(rows_of(cache, KvSide::kValues, 1, h));
  }
  const std::vector<float> got = attend_in_batches(cache, s, {40}, 2, kScale, 1);
  double error = 0;
  double size = 0;
  for (std::size_t m = tokens; m < tokens + 40; ++m) {
    for (std::size_t head = 0; head < kShape.heads; ++head) {
      const std::size_t h = head / kShape.group();
      std::vector<double> out(64);
      double sum = 0;
      const auto add = [&](const float* key, const float* value) {
        double score = 0;
        for (std::size_t i = 0; i < 64; ++i) {
          score += static_cast<double>(s.queries[(m * kShape.heads + head) * 64 + i]) * static_cast<double>(key[i]);
        }
        const double weight = std::exp(score * static_cast<double>(kScale));
        sum += weight;
        for (std::size_t i = 0; i < 64; ++i) out[i] += weight * static_cast<double>(value[i]);
      };
      for (const auto& [position, key] : keys[h]) add(key.data(), values[h].at(position).data());
      for (std::size_t t = tokens; t <= m; ++t) add(&s.keys[(t * 2 + h) * 64], &s.values[(t * 2 + h) * 64]);
      for (std::size_t i = 0; i < 64; ++i) {
        const double expected = out[i] / sum;
        const double d = expected - static_cast<double>(got[(m * kShape.heads + head) * 64 + i]);
        error += d * d;
        size += expected * expected;
      }
    }
  }
  // Queries and weights are rounded to 8 or 16 bits, and pages that were open or recent lose precision when they age.
  EXPECT_LT(std::sqrt(error / size), GetParam()[0] == 'f' ? 1e-3 : 0.05);
}

TEST_P(Evict, AttentionIsGatheredWhole) {
  Cache cache(uniform(kShape, GetParam(), GetParam()), kernels::select_kernels());
  PolicyNeeds all;
  all.queries = PolicyNeeds::kAllQueries;
  PolicyNeeds window;
  window.queries = 32;
  cache.observe(all);
  cache.observe(window);
  Sequence s(kShape, 500, 1);
  std::size_t fed = 0;
  for (const std::size_t batch : {13UL, 187UL, 200UL, 100UL}) {
    cache.observers().begin_batch(fed, batch, 500);
    Sequence part = s;
    part.tokens = fed + batch;
    attend_in_batches(cache, part, {batch}, 2, kScale);
    fed += batch;
    if (fed != 400) continue;
    evict(cache, pool_, evictor(), 350, Packing::kFull);
  }
  for (std::size_t head = 0; head < 4; ++head) {
    double sum = 0;
    for (const double p : cache.observers().find(window)->gathered(head)) sum += p;
    EXPECT_NEAR(sum, 32.0, 0.02);
    sum = 0;
    for (const double p : cache.observers().find(all)->gathered(head)) sum += p;
    EXPECT_GT(sum, 300.0);
    EXPECT_LE(sum, 500.01);
  }
}

/// Past the trained length, distances are those among the tokens still held: scores equal those of keys rotated for
/// these distances.
TEST(EvictPastTraining, DistancesAreThoseAmongWhatIsHeld) {
  const KvShape shape = {2, 1, 64, 64, {0}};
  const std::size_t tokens = 640;
  Rotary rotary;
  for (std::size_t i = 0; i < 32; ++i) rotary.frequencies.push_back(std::pow(10000.0, -static_cast<double>(i) / 32.0));
  const Sequence raw(shape, tokens + 30, 5);
  Sequence s = raw;
  for (std::size_t t = 0; t < s.tokens; ++t) {
    rotary.turn(&s.keys[t * 64], static_cast<double>(t));
    for (std::size_t h = 0; h < 2; ++h) rotary.turn(&s.queries[(t * 2 + h) * 64], static_cast<double>(t));
  }
  ThreadPool pool(2);
  const auto policy = make_policy("window");
  const auto allocator = make_allocator("uniform");
  const auto selector = make_selector("token");
  for (const std::size_t trained : {tokens + 100, tokens - 300}) {
    CacheOptions options = uniform(shape, "f32", "f32");
    options.layers.front().rotary = rotary;
    options.trained = trained;
    Cache cache(options, kernels::select_kernels());
    Sequence first = s;
    first.tokens = tokens;
    attend_in_batches(cache, first, {200}, 2, kScale);
    evict(cache, pool, {policy.get(), allocator.get(), selector.get(), 4, 0, 0, kScale}, 150, Packing::kFull);
    const std::vector<float> got = attend_in_batches(cache, s, {30}, 2, kScale);
    std::vector<std::size_t> held = {0, 1, 2, 3};
    for (std::size_t p = tokens - 146; p < s.tokens; ++p) held.push_back(p);
    Sequence dense(shape, held.size(), 1);
    for (std::size_t i = 0; i < held.size(); ++i) {
      const bool past = tokens >= trained;
      const auto at = static_cast<double>(past ? i : held[i]);
      std::copy_n(&raw.keys[held[i] * 64], 64, &dense.keys[i * 64]);
      rotary.turn(&dense.keys[i * 64], at);
      std::copy_n(&raw.values[held[i] * 64], 64, &dense.values[i * 64]);
      for (std::size_t h = 0; h < 2; ++h) {
        std::copy_n(&raw.queries[(held[i] * 2 + h) * 64], 64, &dense.queries[(i * 2 + h) * 64]);
        rotary.turn(&dense.queries[(i * 2 + h) * 64], at);
      }
    }
    const std::vector<float> expected = test::attend_naively(shape, dense, 0, kScale);
    const auto newest = [&](const std::vector<float>& out) {
      return std::vector<float>(out.end() - 30 * 128, out.end());
    };
    EXPECT_LT(test::relative_distance(newest(got), newest(expected)), 1e-4) << trained;
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, Evict,
                         testing::Values("f32", "f16", "int8", "int4", "int3", "int2", "turboquant-mse4", "kivi2"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace pith::kv
