#include "eval/distortion.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <set>

namespace pith::eval {
namespace {

/// Keeps a fixed share of every vector, and counts the rows that it is given.
class Shrink final : public KvCodec {
 public:
  Shrink(const CodecShape& shape, float part) : KvCodec(shape), part_(part) {}
  std::size_t page_bytes() const override { return kPageTokens * shape().size * sizeof(float); }
  void encode(std::span<const float> rows, std::size_t, std::span<std::byte> page) const override {
    std::ranges::copy(std::as_bytes(rows), page.begin());
  }
  void decode(std::span<const std::byte> page, std::span<float> rows) const override {
    std::ranges::copy(page, std::as_writable_bytes(rows).begin());
    for (float& x : rows) x *= part_;
  }

 private:
  float part_;
};

/// Decodes every row as zeros, and takes one byte per page.
class Nothing final : public KvCodec {
 public:
  explicit Nothing(const CodecShape& shape) : KvCodec(shape) {}
  std::size_t page_bytes() const override { return 1; }
  void encode(std::span<const float>, std::size_t, std::span<std::byte>) const override {}
  void decode(std::span<const std::byte>, std::span<float> rows) const override {
    std::fill(rows.begin(), rows.end(), 0.0F);
  }
};

std::shared_ptr<const CodecRegistry> own_codecs() {
  auto registry = std::make_shared<CodecRegistry>();
  registry->add("shrink", [](const CodecShape& shape) { return std::make_unique<Shrink>(shape, 0.75F); });
  registry->add("nothing", [](const CodecShape& shape) { return std::make_unique<Nothing>(shape); });
  return registry;
}

DistortionOptions options_of(std::vector<std::string> codecs, std::vector<std::size_t> sizes, std::size_t vectors) {
  DistortionOptions options;
  options.codecs = std::move(codecs);
  options.sizes = std::move(sizes);
  options.vectors = vectors;
  options.registry = own_codecs();
  return options;
}

TEST(Distortion, OfCodecsThatAreKnown) {
  const auto results = measure_distortion(options_of({"shrink", "nothing", "f32"}, {48}, 1000));
  ASSERT_EQ(results.size(), 6U);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(results[i].shape.side, i % 2 == 0 ? KvSide::kKeys : KvSide::kValues);
    EXPECT_EQ(results[i].shape.size, 48U);
    EXPECT_EQ(results[i].vectors, 1024U);
    EXPECT_EQ(results[i].draws, 16U);
  }
  EXPECT_EQ(results[0].codec, "shrink");
  EXPECT_EQ(results[0].bits, 32.0);
  EXPECT_NEAR(results[0].mse, 0.0625, 1e-6);
  // The mean of the squares of 65,536 products is off by 0.6 % at most.
  EXPECT_NEAR(results[0].inner_product, 0.0625, 0.0625 * 0.03);
  EXPECT_NEAR(results[0].bias, -0.25, 1e-6);
  EXPECT_EQ(results[2].codec, "nothing");
  EXPECT_DOUBLE_EQ(results[2].bits, 8.0 / (64.0 * 48.0));
  EXPECT_NEAR(results[2].mse, 1.0, 1e-6);
  EXPECT_NEAR(results[2].inner_product, 1.0, 0.03);
  EXPECT_NEAR(results[2].bias, -1.0, 1e-6);
  EXPECT_EQ(results[4].codec, "f32");
  EXPECT_LT(results[4].mse, 1e-12);
}

TEST(Distortion, BoundAndPaper) {
  Distortion row;
  row.bits = 2.5;
  EXPECT_DOUBLE_EQ(row.mse_bound(), 1.0 / 32.0);
  EXPECT_EQ(paper_distortion(0.9), nullptr);
  EXPECT_EQ(paper_distortion(5.0), nullptr);
  ASSERT_NE(paper_distortion(2.25), nullptr);
  EXPECT_EQ(paper_distortion(2.25)->mse, 0.117);
  EXPECT_EQ(paper_distortion(4.0)->inner_product, 0.047);
  // The sketch costs pi / 2 times the error of one bit less.
  double less = 1.0;
  for (const PaperDistortion& bits : kPaperDistortions) {
    EXPECT_NEAR(bits.inner_product_theory, std::numbers::pi / 2.0 * less, 1e-4);
    less = bits.mse_theory;
  }
}

/// Shrinks by another eighth with every draw.
class ShrinkByDraw final : public KvCodec {
 public:
  explicit ShrinkByDraw(const CodecShape& shape)
      : KvCodec(shape), inner_(shape, 1.0F - 0.125F * static_cast<float>(shape.draw)) {}
  std::size_t page_bytes() const override { return inner_.page_bytes(); }
  void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const override {
    inner_.encode(rows, first, page);
  }
  void decode(std::span<const std::byte> page, std::span<float> rows) const override { inner_.decode(page, rows); }

 private:
  Shrink inner_;
};

TEST(Distortion, SpreadsVectorsOverDraws) {
  auto registry = std::make_shared<CodecRegistry>();
  registry->add("by-draw", [](const CodecShape& shape) { return std::make_unique<ShrinkByDraw>(shape); });
  DistortionOptions options = options_of({"by-draw"}, {64}, 64 * 5);
  options.registry = registry;
  options.draws = 4;
  const Distortion row = measure_distortion(options).front();
  EXPECT_EQ(row.draws, 4U);
  // Five pages, of which the last draw has two. The squares of 0, 1/8, 2/8, 3/8.
  EXPECT_NEAR(row.mse, (0.0 + 1.0 + 4.0 + 2 * 9.0) / 64.0 / 5.0, 1e-6);
  EXPECT_NEAR(row.inner_product, row.mse, 0.05 * row.mse);
  EXPECT_GT(row.inner_product_standard_error, 0.2 * row.mse);
  options.draws = 1;
  EXPECT_EQ(measure_distortion(options).front().mse, 0.0);
  EXPECT_EQ(measure_distortion(options).front().inner_product_standard_error, 0.0);
  options.draws = 1000;
  EXPECT_EQ(measure_distortion(options).front().draws, 5U);
}

TEST(Distortion, SeedDecides) {
  DistortionOptions options = options_of({"int4"}, {64}, 64);
  const double once = measure_distortion(options).front().mse;
  EXPECT_EQ(measure_distortion(options).front().mse, once);
  options.seed = 1;
  EXPECT_NE(measure_distortion(options).front().mse, once);
}

TEST(Distortion, AllThatAreLossyUnlessNamed) {
  std::set<std::string> seen;
  for (const Distortion& row : measure_distortion(options_of({}, {32}, 1))) {
    seen.insert(row.codec);
    EXPECT_LT(row.bits, 16.0) << row.codec;
    EXPECT_TRUE(std::isfinite(row.mse)) << row.codec;
  }
  for (const char* name : {"int8", "int4", "turboquant-mse3", "turboquant-prod2", "polarquant", "kivi2", "nothing"}) {
    EXPECT_TRUE(seen.contains(name)) << name;
  }
  for (const char* name : {"f32", "f16", "bf16", "shrink"}) EXPECT_FALSE(seen.contains(name)) << name;
}

TEST(Distortion, TellsProgressBySize) {
  std::vector<std::size_t> sizes;
  measure_distortion(options_of({"int4"}, {80, 16}, 1), [&](const std::vector<Distortion>& of_size) {
    ASSERT_EQ(of_size.size(), 2U);
    sizes.push_back(of_size.front().shape.size);
  });
  EXPECT_EQ(sizes, (std::vector<std::size_t>{80, 16}));
}

ErrorKind refusal(const DistortionOptions& options) {
  bool measured = false;
  try {
    measure_distortion(options, [&](const std::vector<Distortion>&) { measured = true; });
  } catch (const Error& error) {
    EXPECT_FALSE(measured);
    return error.kind();
  }
  ADD_FAILURE() << "not refused";
  return ErrorKind::kIo;
}

TEST(Distortion, RefusesWhatMakesNoSense) {
  EXPECT_EQ(refusal(options_of({"int4"}, {}, 64)), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(options_of({"int4"}, {64, 60}, 64)), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(options_of({"int4"}, {64}, 0)), ErrorKind::kInvalidArgument);
  DistortionOptions no_draws = options_of({"int4"}, {64}, 64);
  no_draws.draws = 0;
  EXPECT_EQ(refusal(no_draws), ErrorKind::kInvalidArgument);
  EXPECT_EQ(refusal(options_of({"int4", "int99"}, {64}, 64)), ErrorKind::kUnsupported);
}

// The table of TurboQuant's paper, over many draws of the random matrices. The paper rounds more coarsely than it
// seems, so results are compared with the theory in kPaperDistortions, and with the paper where it is within 3 % of
// that.
TEST(Distortion, TurboQuantIsAsInThePaper) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "many draws of one code path: means for builds that are fast";
  std::vector<std::string> names;
  for (const char bits : {'1', '2', '3', '4'}) {
    names.push_back(std::string("turboquant-mse") + bits);
    names.push_back(std::string("turboquant-prod") + bits);
  }
  DistortionOptions options = options_of(names, {128, 256}, 4096);
  options.draws = 32;
  for (const Distortion& row : measure_distortion(options)) {
    SCOPED_TRACE(row.codec + " of " + std::to_string(row.shape.size));
    const PaperDistortion& paper = kPaperDistortions[static_cast<std::size_t>(row.codec.back() - '1')];
    const auto size = static_cast<double>(row.shape.size);
    const bool mse = row.codec.find("mse") != std::string::npos;
    const double measured = mse ? row.mse : row.inner_product;
    const double theory = mse ? paper.mse_theory : paper.inner_product_theory;
    const double printed = mse ? paper.mse : paper.inner_product;
    const double chance = mse ? 0.01 * theory : 4.0 * row.inner_product_standard_error;
    EXPECT_LT(chance, 0.03 * theory);
    EXPECT_LE(measured, theory + chance);
    EXPECT_GE(measured, theory * (1.0 - 4.0 / size) - chance);
    EXPECT_NEAR(row.bias, mse ? -row.mse : 0.0, 0.01);
    // The printed 0.03, 0.009 and 0.047 are below what the paper's own algorithm attains.
    if (theory <= 1.03 * printed) {
      EXPECT_NEAR(measured, printed, 0.03 * printed + chance);
    }
  }
}

}  // namespace
}  // namespace pith::eval
