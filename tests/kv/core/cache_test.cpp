#include "kv/core/cache.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include "kernels/select.h"
#include "kv/attention_reference.h"

namespace pith::kv {
namespace {

KvShape smollm(std::size_t window) {
  KvShape shape = {9, 3, 64, 64, {}};
  shape.windows.assign(2, window);
  return shape;
}

/// Bytes held after 8,192 tokens, relative to those of all tokens that a query sees in f16.
double share_of_f16(const char* codec, std::size_t window = 0) {
  const KvShape shape = smollm(window);
  Cache cache(uniform(shape, codec, codec), kernels::select_kernels());
  const test::Sequence s(shape, 8192, 1);
  // Only appends: attention over this many tokens is not needed.
  ThreadPool pool(2);
  Staging staging(ScratchLayout(cache), 512);
  const std::size_t stride = 9 * 64;
  std::vector<float> rows(512 * stride, 0.5F);
  for (std::size_t position = 0; position < 8192 - 1; position += 512) {
    const std::size_t tokens = std::min<std::size_t>(512, 8191 - position);
    for (std::size_t layer = 0; layer < shape.layers(); ++layer) {
      const Step step = {&cache, 0, tokens, position};
      append(std::span(&step, 1), staging, pool, layer, {rows.data(), rows.data(), rows.data(), stride});
      finish_append(std::span(&step, 1), staging, layer);
    }
  }
  const double f16 = 2.0 * static_cast<double>((window == 0 ? 8191 : window) * 3 * 128 * shape.layers());
  return static_cast<double>(cache.bytes().total()) / f16;
}

TEST(CacheBytes, TheLadderHoldsItsBitsAllIn) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "a count, which is the same in builds that are fast";
  EXPECT_LE(share_of_f16("int8"), 8.5 / 16);
  EXPECT_LE(share_of_f16("int4"), 4.5 / 16);
  EXPECT_LE(share_of_f16("int3"), 3.5 / 16);
  EXPECT_LE(share_of_f16("int2"), 2.5 / 16);
}
// Four recent pages in int8 would be half of a window of 512 tokens.
TEST(CacheBytes, RecentPagesAreASmallPartOfAWindow) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "a count, which is the same in builds that are fast";
  EXPECT_LE(share_of_f16("int4", 512), 6.5 / 16);
  EXPECT_LE(share_of_f16("int2", 512), 5.0 / 16);
}
TEST(CacheBytes, HalfFloats) { EXPECT_LE(share_of_f16("f16"), 1.01); }

TEST(Cache, ClearReturnsEverything) {
  const KvShape shape = {2, 1, 64, 64, {0}};
  Cache cache(uniform(shape, "int4", "int8"), kernels::select_kernels());
  const test::Sequence s(shape, 200, 1);
  test::attend_in_batches(cache, s, {64}, 1, 0.1F);
  EXPECT_GT(cache.bytes().sealed, 0U);
  EXPECT_GT(cache.bytes().exact, 0U);
  cache.clear();
  EXPECT_EQ(cache.bytes().total(), 0U);
  EXPECT_EQ(cache.tokens(), 0U);
}

void expect_error(ErrorKind kind, const std::string& part, const KvShape& shape, const char* codec) {
  try {
    const Cache cache(uniform(shape, codec, "f16"), kernels::select_kernels());
    FAIL() << "no error for " << part;
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), kind);
    EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
  }
}

TEST(Cache, RefusesWhatItCannotHold) {
  expect_error(ErrorKind::kUnsupported, "int7", {2, 1, 64, 64, {0}}, "int7");
  expect_error(ErrorKind::kInvalidArgument, "24", {2, 1, 24, 64, {0}}, "f16");
  expect_error(ErrorKind::kInvalidArgument, "3 query heads", {3, 2, 64, 64, {0}}, "f16");
}

}  // namespace
}  // namespace pith::kv
