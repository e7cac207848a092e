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
}

TEST(TensorType, KnowsWhatItDoesNotRead) {
  for (const std::uint32_t id : {4U, 5U, 9U, 15U, 16U, 24U, 27U, 28U, 31U, 39U, 40U, 41U, 42U, 0xFFFFFFFFU}) {
    EXPECT_EQ(find_tensor_type(id), nullptr) << id;
  }
  EXPECT_THROW(type_info(static_cast<TensorType>(9)), Error);
  EXPECT_EQ(ggml_type_name(16), "IQ2_XXS");
  EXPECT_EQ(ggml_type_name(29), "IQ1_M");
  EXPECT_EQ(ggml_type_name(35), "TQ2_0");
  EXPECT_EQ(ggml_type_name(39), "MXFP4");
  EXPECT_EQ(ggml_type_name(99), "99");
}

}  // namespace
}  // namespace pith::gguf
