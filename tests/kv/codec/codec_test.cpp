#include "kv/codec/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

#include "kernels/random_rows.h"
#include "kernels/select.h"
#include "kv/core/cache.h"

namespace pith::kv {
namespace {

using kernels::test::random_floats;

/// Reads a page back through the codec's dot products: unit queries give keys, a softmax over a single token its value.
class PageReader {
 public:
  PageReader(const Codec& codec, const kernels::KernelTable& kernels)
      : codec_(codec), kernels_(kernels), split_(kRows, kPageTokens) {}

  std::vector<float> rows(const std::vector<std::byte>& page) {
    return codec_.shape().side == KvSide::kKeys ? keys(page.data()) : values(page.data());
  }

 private:
  static constexpr std::size_t kRows = 1;

  std::vector<float> keys(const std::byte* page) {
    const std::size_t size = codec_.shape().size;
    std::vector<float> rows(kPageTokens * size);
    for (std::size_t i = 0; i < size; ++i) {
      std::vector<float> query(size, 0.0F);
      query[i] = 1.0F;
      std::vector<float> scores(kPageTokens);
      codec_.score_rows(prepare(query), page, scores.data(), scratch());
      for (std::size_t t = 0; t < kPageTokens; ++t) rows[t * size + i] = scores[t];
    }
    return rows;
  }

  std::vector<float> values(const std::byte* page) {
    const std::size_t size = codec_.shape().size;
    std::vector<float> rows(kPageTokens * size, 0.0F);
    for (std::size_t t = 0; t < kPageTokens; ++t) {
      std::vector<float> scores(kPageTokens, 1.0F);
      const kernels::TokenRange only = {t, t + 1};
      float reference = -std::numeric_limits<float>::infinity();
      float sum = 0.0F;
      float* out = &rows[t * size];
      codec_.accumulate_rows({scores.data(), kPageTokens, kRows, kPageTokens, &only, &reference, &sum, out, size}, page,
                             scratch());
      for (std::size_t i = 0; i < size; ++i) out[i] /= sum;
    }
    return rows;
  }

  Queries prepare(const std::vector<float>& query) {
    query_ = kernels::test::SplitMemory(kRows, query.size());
    kernels_.quantize_int16_rows(query.data(), query.size(), kRows, query.size(), query_.planes());
    return {query.data(), query_.view(), 1, query.size()};
  }
  PageScratch scratch() { return {split_.planes(), row_add_.data(), row_shrink_.data()}; }

  const Codec& codec_;
  const kernels::KernelTable& kernels_;
  kernels::test::SplitMemory split_;
  kernels::test::SplitMemory query_{kRows, 16};
  std::vector<float> row_add_ = std::vector<float>(kernels::kSplitRows);
  std::vector<float> row_shrink_ = row_add_;
};

std::vector<std::byte> encode(const Codec& codec, const std::vector<float>& rows, std::size_t first = 0) {
  std::vector<std::byte> page(codec.page_bytes());
  codec.encode(rows, first, page);
  return page;
}

double mean_square(const std::vector<float>& a, const std::vector<float>& b, std::size_t from) {
  double sum = 0;
  for (std::size_t i = from; i < a.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += d * d;
  }
  return sum / static_cast<double>(a.size() - from);
}

struct CodecLimit {
  const char* name;
  double mean_square;  ///< On N(0, 1)
};

class EveryCodec : public testing::TestWithParam<CodecLimit> {};

TEST_P(EveryCodec, PagesKeepTheirVectors) {
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    for (const std::size_t size : {16UL, 64UL, 80UL, 128UL, 256UL}) {
      for (const KvSide side : kSides) {
        const auto codec = make_tiers(GetParam().name, {side, size}, *table, nullptr).codec;
        const auto rows = random_floats(kPageTokens * size, size);
        const auto page = encode(*codec, rows);
        EXPECT_LT(mean_square(PageReader(*codec, *table).rows(page), rows, 0), GetParam().mean_square)
            << "side " << static_cast<int>(side) << ", size " << size;
      }
    }
  }
}

TEST_P(EveryCodec, DecodesWhatItsDotsRead) {
  const auto& kernels = kernels::select_kernels();
  for (const std::size_t size : {16UL, 64UL, 80UL, 256UL}) {
    for (const KvSide side : kSides) {
      const auto codec = make_tiers(GetParam().name, {side, size}, kernels, nullptr).codec;
      const auto page = encode(*codec, random_floats(kPageTokens * size, size));
      std::vector<float> rows(kPageTokens * size);
      codec->decode(page, rows);
      EXPECT_LT(mean_square(PageReader(*codec, kernels).rows(page), rows, 0), 1e-7) << size;
    }
  }
}

TEST_P(EveryCodec, SkippedRowsSpoilNothing) {
  const auto& kernels = kernels::select_kernels();
  const std::size_t size = 64;
  for (const KvSide side : kSides) {
    const auto codec = make_tiers(GetParam().name, {side, size}, kernels, nullptr).codec;
    auto rows = random_floats(kPageTokens * size, 7);
    for (std::size_t i = 0; i < kExactPrefixTokens * size; ++i) rows[i] = 1e4F;
    const auto page = encode(*codec, rows, kExactPrefixTokens);
    EXPECT_LT(mean_square(PageReader(*codec, kernels).rows(page), rows, kExactPrefixTokens * size),
              GetParam().mean_square);
  }
}

TEST_P(EveryCodec, ExtremeRowsStayFinite) {
  const auto& kernels = kernels::select_kernels();
  const std::size_t size = 64;
  for (const float scale : {0.0F, 1e-30F, 1e-6F, 1e4F}) {
    for (const KvSide side : kSides) {
      const auto codec = make_tiers(GetParam().name, {side, size}, kernels, nullptr).codec;
      const auto page = encode(*codec, random_floats(kPageTokens * size, 3, scale));
      for (const float x : PageReader(*codec, kernels).rows(page)) ASSERT_TRUE(std::isfinite(x)) << "scale " << scale;
    }
  }
}

TEST(IntCodecs, WhatIsNotFiniteReachesTheResult) {
  const auto& kernels = kernels::select_kernels();
  for (const char* name : {"int8", "int4", "int3", "int2"}) {
    for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
      for (const KvSide side : kSides) {
        const auto codec = make_tiers(name, {side, 64}, kernels, nullptr).codec;
        auto rows = random_floats(kPageTokens * 64, 5);
        rows[20 * 64 + 3] = bad;
        const auto read = PageReader(*codec, kernels).rows(encode(*codec, rows));
        EXPECT_FALSE(std::isfinite(read[20 * 64 + 3])) << name << ", " << bad;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, EveryCodec,
                         testing::Values(CodecLimit{"f32", 1e-9}, CodecLimit{"f16", 1e-6}, CodecLimit{"bf16", 1e-5},
                                         CodecLimit{"int8", 2e-4}, CodecLimit{"int4", 0.0095},
                                         CodecLimit{"int3", 0.035}, CodecLimit{"int2", 0.125}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(Rotation, IsOrthogonalForEveryHeadSize) {
  const auto& kernels = kernels::select_kernels();
  for (std::size_t size = 16; size <= 256; size += 16) {
    const HadamardRotation rotation(size);
    const auto a = random_floats(size, size);
    const auto b = random_floats(size, size + 1);
    auto ra = a;
    auto rb = b;
    rotation.apply(kernels, ra.data());
    rotation.apply(kernels, rb.data());
    double before = 0;
    double after = 0;
    for (std::size_t i = 0; i < size; ++i) {
      before += static_cast<double>(a[i]) * static_cast<double>(b[i]);
      after += static_cast<double>(ra[i]) * static_cast<double>(rb[i]);
    }
    EXPECT_NEAR(after, before, 1e-4);
    rotation.invert(kernels, ra.data());
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(ra[i], a[i], 1e-5F);
  }
}

TEST(Rotation, SpreadsAnOutlier) {
  const auto& kernels = kernels::select_kernels();
  for (const std::size_t size : {64UL, 80UL, 128UL}) {
    std::vector<float> x(size, 0.0F);
    x[3] = 100.0F;
    HadamardRotation(size).apply(kernels, x.data());
    for (const float v : x) EXPECT_LE(std::fabs(v), 100.0F / 4.0F + 1e-3F);
  }
}

}  // namespace
}  // namespace pith::kv
