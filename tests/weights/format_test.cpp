#include "weights/format.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <limits>

namespace pith::weights {
namespace {

using gguf::TensorType;

TEST(RowBytes, CountsWholeBlocks) {
  EXPECT_EQ(row_bytes(TensorType::kF32, 3), 12U);
  EXPECT_EQ(row_bytes(TensorType::kBF16, 3), 6U);
  EXPECT_EQ(row_bytes(TensorType::kQ4_0, 576), 324U);
  EXPECT_EQ(row_bytes(TensorType::kQ6_K, 512), 420U);
  EXPECT_EQ(row_bytes(TensorType::kQ4_K, 0), 0U);
}

TEST(RowBytes, RefusesPartsOfBlocks) {
  EXPECT_THROW(row_bytes(TensorType::kQ4_0, 33), Error);
  EXPECT_THROW(row_bytes(TensorType::kQ4_K, 576), Error);
}

TEST(RowBytes, RefusesWhatDoesNotFit) {
  EXPECT_THROW(row_bytes(TensorType::kF32, std::numeric_limits<std::size_t>::max() / 2), Error);
}

}  // namespace
}  // namespace pith::weights
