#include "gguf/tensor_type.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <set>

namespace pith::gguf {
namespace {

TEST(TensorType, TableIsWhole) {
  std::set<TensorType> seen;
  for (std::size_t i = 0; i < kTensorTypes; ++i) {
    const TensorTypeInfo& info = tensor_type_at(i);
    EXPECT_TRUE(seen.insert(info.type).second) << info.name;
    EXPECT_EQ(&type_info(info.type), &info);
    EXPECT_EQ(find_tensor_type(static_cast<std::uint32_t>(info.type)), &info);
    EXPECT_EQ(ggml_type_name(static_cast<std::uint32_t>(info.type)), info.name);
  }
}

TEST(TensorType, SizesAreGgmls) {
  EXPECT_EQ(type_info(TensorType::kQ4_1).block_bytes, 2U + 2U + 16U);
  EXPECT_EQ(type_info(TensorType::kQ5_0).block_bytes, 2U + 4U + 16U);
  EXPECT_EQ(type_info(TensorType::kQ3_K).block_bytes, 32U + 64U + 12U + 2U);
  EXPECT_EQ(type_info(TensorType::kQ6_K).block_bytes, 128U + 64U + 16U + 2U);
  EXPECT_EQ(type_info(TensorType::kIQ4_XS).block_elements, 256U);
  EXPECT_EQ(type_info(TensorType::kQ8_K).block_bytes, 4U + 256U + 32U);
  EXPECT_EQ(type_info(TensorType::kMXFP4).block_bytes, 1U + 16U);
  EXPECT_EQ(type_info(TensorType::kNVFP4).block_elements, 64U);
  EXPECT_EQ(type_info(TensorType::kNVFP4).block_bytes, 4U + 32U);
  EXPECT_EQ(type_info(TensorType::kIQ3_S).block_bytes, 2U + 64U + 8U + 32U + 4U);
  EXPECT_EQ(type_info(TensorType::kIQ1_M).block_bytes, 32U + 16U + 8U);
  EXPECT_EQ(type_info(TensorType::kTQ1_0).block_bytes, 48U + 4U + 2U);
}

TEST(TensorType, KnowsWhatItDoesNotRead) {
  for (const std::uint32_t id : {4U, 5U, 9U, 24U, 27U, 28U, 31U, 36U, 41U, 42U, 0xFFFFFFFFU}) {
    EXPECT_EQ(find_tensor_type(id), nullptr) << id;
  }
  EXPECT_THROW(type_info(static_cast<TensorType>(9)), Error);
  EXPECT_EQ(ggml_type_name(9), "Q8_1");
  EXPECT_EQ(ggml_type_name(31), "Q4_0_4_4");
  EXPECT_EQ(ggml_type_name(41), "Q1_0");
  EXPECT_EQ(ggml_type_name(99), "99");
}

}  // namespace
}  // namespace pith::gguf
