// Properties that all codecs from papers share.
#include "kv/codec/paper_codecs.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <thread>

namespace pith::kv {
namespace {

using kernels::test::random_floats;
using namespace test;

constexpr KvSide kBothSides[] = {KvSide::kKeys, KvSide::kValues};

struct PaperCodec {
  const char* name;
  double error;  ///< Relative, on normally distributed rows of any size
  /// Bits per element of the codes, and the number of f16 values in a page of keys and of values.
  double bits;
  std::size_t (*key_halves)(std::size_t size);
  std::size_t (*value_halves)(std::size_t size);
};

constexpr auto kNorms = [](std::size_t) { return kTokens; };
constexpr auto kTwoNorms = [](std::size_t) { return 2 * kTokens; };
constexpr auto kRadii = [](std::size_t size) { return kTokens * size / 16; };
constexpr auto kChannels = [](std::size_t size) { return 2 * size; };
constexpr auto kGroups = [](std::size_t size) { return 2 * kTokens * ((size + 31) / 32); };

const PaperCodec kCodecs[] = {
    {"turboquant-mse1", 0.38, 1, kNorms, kNorms},
    {"turboquant-mse2", 0.125, 2, kNorms, kNorms},
    {"turboquant-mse3", 0.037, 3, kNorms, kNorms},
    {"turboquant-mse4", 0.0103, 4, kNorms, kNorms},
    {"turboquant-mse5", 0.0028, 5, kNorms, kNorms},
    {"turboquant-prod1", 1.7, 1, kNorms, kNorms},
    {"turboquant-prod2", 0.62, 2, kTwoNorms, kTwoNorms},
    {"turboquant-prod3", 0.2, 3, kTwoNorms, kTwoNorms},
    {"turboquant-prod4", 0.06, 4, kTwoNorms, kTwoNorms},
    {"polarquant", 0.036, 2.875, kRadii, kRadii},
    {"kivi2", 0.3, 2, kChannels, kGroups},
    {"kivi4", 0.012, 4, kChannels, kGroups},
};

/// Between sizes; making a codec takes long under sanitizers.
constexpr std::size_t kSizeStep = PITH_SANITIZED != 0 ? 80 : 16;

class EveryPaperCodec : public testing::TestWithParam<PaperCodec> {
 protected:
  static std::unique_ptr<const KvCodec> make(KvSide side, std::size_t size) {
    return make_codec(GetParam().name, {side, size});
  }
};

TEST_P(EveryPaperCodec, KeepsVectorsOfAnySize) {
  for (std::size_t size = 16; size <= 256; size += kSizeStep) {
    const auto rows = random_floats(kTokens * size, size, 3.0F);
    for (const KvSide side : kBothSides) {
      EXPECT_LT(relative_error(rows, reconstruct(*make(side, size), rows)), GetParam().error) << size;
    }
  }
}

TEST_P(EveryPaperCodec, PacksItsBits) {
  for (std::size_t size = 16; size <= 256; size += kSizeStep) {
    const auto codes = static_cast<std::size_t>(GetParam().bits * 0.125 * static_cast<double>(kTokens * size));
    EXPECT_EQ(make(KvSide::kKeys, size)->page_bytes(), codes + 2 * GetParam().key_halves(size)) << size;
    EXPECT_EQ(make(KvSide::kValues, size)->page_bytes(), codes + 2 * GetParam().value_halves(size)) << size;
  }
}

// A page is self-contained: two codecs of the same kind read each other's pages.
TEST_P(EveryPaperCodec, APageStandsAlone) {
  for (const KvSide side : kBothSides) {
    const auto rows = random_floats(kTokens * 80, 5);
    const auto writer = make(side, 80);
    std::vector<std::byte> page(writer->page_bytes());
    writer->encode(rows, 0, page);
    std::vector<float> back(rows.size());
    make(side, 80)->decode(page, back);
    EXPECT_EQ(back, reconstruct(*writer, rows));
  }
}

TEST_P(EveryPaperCodec, ScoresAndSumsWhatItDecodes) {
  for (const std::size_t size : {64UL, 80UL}) {
    const auto rows = random_floats(kTokens * size, size);
    const auto keys = make(KvSide::kKeys, size);
    std::vector<std::byte> page(keys->page_bytes());
    keys->encode(rows, 0, page);
    const auto queries = random_floats(3 * size, 1);
    std::vector<float> scores(3 * kTokens);
    keys->score(queries, page, scores);
    const auto key_rows = reconstruct(*keys, rows);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      EXPECT_NEAR(scores[i], dot(&queries[i / kTokens * size], &key_rows[i % kTokens * size], size), 1e-3);
    }
    const auto values = make(KvSide::kValues, size);
    page.resize(values->page_bytes());
    values->encode(rows, 0, page);
    std::vector<float> probabilities(kTokens, 0.0F);
    probabilities[7] = 0.25F;
    probabilities[63] = 0.5F;
    std::vector<float> out(size, 1.0F);
    values->accumulate(probabilities, page, out);
    const auto value_rows = reconstruct(*values, rows);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(out[i], 1.0F + 0.25F * value_rows[7 * size + i] + 0.5F * value_rows[63 * size + i], 1e-4);
    }
  }
}

TEST_P(EveryPaperCodec, RowsBeforeTheFirstChangeNothing) {
  for (const KvSide side : kBothSides) {
    for (const std::size_t first : {1UL, 4UL, 16UL, 63UL}) {
      const std::size_t size = 96;
      const auto codec = make(side, size);
      auto rows = random_floats(kTokens * size, first);
      std::fill_n(rows.begin(), first * size, 0.0F);
      const auto clean = reconstruct(*codec, rows, first);
      for (std::size_t i = 0; i < first * size; ++i) rows[i] = i % 3 == 0 ? -3e38F : 1e30F;
      const auto back = reconstruct(*codec, rows, first);
      const auto skipped = static_cast<std::ptrdiff_t>(first * size);
      EXPECT_TRUE(std::equal(clean.begin() + skipped, clean.end(), back.begin() + skipped)) << first;
      if (first < 63) {
        EXPECT_LT(relative_error(rows, back, first * size), GetParam().error);
      }
      for (const float x : back) ASSERT_TRUE(std::isfinite(x));
    }
  }
}

TEST_P(EveryPaperCodec, ZerosStayZeros) {
  for (const KvSide side : kBothSides) {
    const std::vector<float> rows(kTokens * 64, 0.0F);
    EXPECT_EQ(relative_error(random_floats(rows.size(), 1), rows), 1.0);
    for (const float x : reconstruct(*make(side, 64), rows)) ASSERT_EQ(x, 0.0F);
  }
}

TEST_P(EveryPaperCodec, AZeroRowAmongOthers) {
  for (const KvSide side : kBothSides) {
    auto rows = random_floats(kTokens * 64, 9);
    std::fill_n(rows.begin() + 5 * 64, 64, 0.0F);
    const auto back = reconstruct(*make(side, 64), rows);
    for (const float x : back) ASSERT_TRUE(std::isfinite(x));
    // Only keys per channel have no exact zero, since their minimum and maximum come from other rows.
    const bool per_channel = std::string(GetParam().name).starts_with("kivi") && side == KvSide::kKeys;
    for (std::size_t i = 5 * 64; i < 6 * 64; ++i) ASSERT_NEAR(back[i], 0.0F, per_channel ? 2.0F : 0.0F);
  }
}

TEST_P(EveryPaperCodec, ExtremesStayFinite) {
  constexpr float kMost = std::numeric_limits<float>::max();
  for (const KvSide side : kBothSides) {
    const auto codec = make(side, 64);
    for (const float scale : {1e-42F, 1e-30F, 1e-6F, 65504.0F, 1e9F, 1e30F, kMost / 8.0F}) {
      for (const float x : reconstruct(*codec, random_floats(kTokens * 64, 3, scale))) {
        ASSERT_TRUE(std::isfinite(x)) << scale;
      }
    }
    for (const float constant : {1e-40F, 0.3F, 600.3F, -65504.0F, kMost, -kMost}) {
      for (const float x : reconstruct(*codec, std::vector<float>(kTokens * 64, constant))) {
        ASSERT_TRUE(std::isfinite(x)) << constant;
      }
    }
    std::vector<float> both(kTokens * 64);
    for (std::size_t i = 0; i < both.size(); ++i) both[i] = (i ^ i / 64) % 2 == 0 ? kMost : -kMost;
    for (const float x : reconstruct(*codec, both)) ASSERT_TRUE(std::isfinite(x));
  }
}

// What is decoded for rows with NaN is not specified, but other rows of values do not change, and nothing else breaks.
TEST_P(EveryPaperCodec, SurvivesWhatIsNotFinite) {
  const auto codec = make(KvSide::kValues, 64);
  const auto good = random_floats(kTokens * 64, 3);
  const auto expected = reconstruct(*codec, good);
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    auto rows = good;
    rows[20 * 64] = bad;
    rows[20 * 64 + 9] = bad;
    const auto back = reconstruct(*codec, rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i / 64 == 20) continue;
      ASSERT_EQ(back[i], expected[i]) << i;
    }
    reconstruct(*make(KvSide::kKeys, 64), rows);
  }
}

TEST_P(EveryPaperCodec, ThreadsMayShareIt) {
  const auto codec = make(KvSide::kKeys, 64);
  const auto rows = random_floats(kTokens * 64, 1);
  const auto expected = reconstruct(*codec, rows);
  std::vector<int> same(4, 0);
  std::vector<std::thread> threads;
  threads.reserve(same.size());
  for (int& s : same) threads.emplace_back([&] { s = reconstruct(*codec, rows) == expected ? 1 : 0; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(same, std::vector<int>(4, 1));
}

TEST_P(EveryPaperCodec, NeverWritesOutsideItsPage) {
  for (std::size_t size = 16; size <= 112; size += kSizeStep) {
    for (const KvSide side : kBothSides) {
      const auto codec = make(side, size);
      constexpr std::byte kGuard{0xA5};
      std::vector<std::byte> bytes(codec->page_bytes() + 64, kGuard);
      codec->encode(random_floats(kTokens * size, 2), 0, std::span(bytes).first(codec->page_bytes()));
      EXPECT_TRUE(std::all_of(bytes.end() - 64, bytes.end(), [](std::byte b) { return b == kGuard; })) << size;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, EveryPaperCodec, testing::ValuesIn(kCodecs), [](const auto& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// For any rows the result is finite and not longer than the input, except by the rounding of the norm.
RC_GTEST_PROP(PaperCodecs, FiniteRowsComeBackFinite, ()) {
  const std::size_t size = 16 * *rc::gen::inRange<std::size_t>(1, 5);
  const KvSide side = *rc::gen::element(KvSide::kKeys, KvSide::kValues);
  const std::string name = std::string(kCodecs[*rc::gen::inRange<std::size_t>(0, std::size(kCodecs))].name);
  const auto first = *rc::gen::inRange<std::size_t>(0, kTokens);
  const auto exponents = *rc::gen::container<std::vector<int>>(kTokens * size, rc::gen::inRange(-60, 37));
  auto rows = random_floats(kTokens * size, first);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = std::clamp(rows[i], -3.0F, 3.0F) * std::pow(10.0F, static_cast<float>(exponents[i]));
  }
  for (const float x : reconstruct(*make_codec(name, {side, size}), rows, first)) RC_ASSERT(std::isfinite(x));
}

}  // namespace
}  // namespace pith::kv
