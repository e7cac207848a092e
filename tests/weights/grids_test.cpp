#include "weights/grids.h"

#include <gtest/gtest.h>

#include <span>
#include <string>

#include "io/digest.h"

namespace pith::weights {
namespace {

std::string digest(std::span<const std::uint16_t> grid) { return io::to_hex(io::sha256(std::as_bytes(grid))); }

/// tests/data/make_grids.py prints the digests of the grids in the Python package gguf. The cases of
/// dequantize_test.cpp do not reach every vector.
TEST(Grids, AreThoseOfThePackage) {
  EXPECT_EQ(digest(kGridIQ1_S), "e9ffebfc997ad6023063a667c0bf4eedd8ebf7f56b3da399cbc7d1b1f7ea52c6");
  EXPECT_EQ(digest(kGridIQ2_XXS), "915952ebc4af8ddba8113583ca1316fc818843f7b825bbf1a25ae1c39bf0e16d");
  EXPECT_EQ(digest(kGridIQ2_XS), "f66435966ca8d64e9e4a6e3c91e64afcf9015e700ec85962f527283ebae207b9");
  EXPECT_EQ(digest(kGridIQ2_S), "e6e75e121b65e8afa5c1f92b71463cfbe217b83893f438acde22fd5db06a43f7");
  EXPECT_EQ(digest(kGridIQ3_XXS), "c9678803c61b2210fbd8cbbb3f965a835409cd7d88a04d086d236261bd221d11");
  EXPECT_EQ(digest(kGridIQ3_S), "353274c58dd7d8dc5ee960dc8fc54ff9164eaf2b49206b841cd49415cf393f81");
}

TEST(Grids, HaveNoUnknownElements) {
  const auto check = [](std::span<const std::uint16_t> grid) {
    for (const unsigned vector : grid) {
      for (unsigned i = 0; i < 8; ++i) ASSERT_LT(vector >> (2 * i) & 3U, 3U) << vector;
    }
  };
  check(kGridIQ1_S);
  check(kGridIQ2_XXS);
  check(kGridIQ2_XS);
  check(kGridIQ2_S);
  for (const unsigned vector : kGridIQ3_XXS) ASSERT_LT(vector, 1U << 12);
  for (const unsigned vector : kGridIQ3_S) ASSERT_LT(vector, 1U << 12);
}

}  // namespace
}  // namespace pith::weights
