#include "weights/dequantize.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "support/paths.h"

namespace pith::weights {
namespace {

using gguf::TensorType;
using gguf::TensorTypeInfo;

/// Blocks and what the Python package gguf expands them to (written by tests/data/make_dequantize_cases.py).
struct Cases {
  std::vector<std::byte> blocks;
  std::vector<float> values;
};

Cases read_cases(const TensorTypeInfo& info) {
  const std::string data = test::read_file(test::data_dir() / "dequantize" / (std::string(info.name) + ".bin"));
  std::uint32_t count = 0;
  if (data.size() < sizeof count) throw std::runtime_error("no cases for " + std::string(info.name));
  std::memcpy(&count, data.data(), sizeof count);
  Cases cases;
  cases.blocks.resize(count * info.block_bytes);
  cases.values.resize(count * info.block_elements);
  const std::size_t value_bytes = cases.values.size() * sizeof(float);
  if (data.size() != sizeof count + cases.blocks.size() + value_bytes) throw std::runtime_error("cases cut off");
  std::memcpy(cases.blocks.data(), data.data() + sizeof count, cases.blocks.size());
  std::memcpy(cases.values.data(), data.data() + sizeof count + cases.blocks.size(), value_bytes);
  return cases;
}

ErrorKind kind_of(TensorType type, std::size_t source_bytes, std::size_t weights) {
  const std::vector<std::byte> source(source_bytes);
  std::vector<float> destination(weights);
  try {
    dequantize(type, source, destination);
  } catch (const Error& error) {
    return error.kind();
  }
  throw std::logic_error("no error");
}

class Dequantize : public testing::TestWithParam<TensorType> {
 protected:
  const TensorTypeInfo& info_ = gguf::type_info(GetParam());
};

TEST_P(Dequantize, GivesThePackagesBits) {
  const Cases cases = read_cases(info_);
  ASSERT_GE(cases.values.size(), 512U);
  std::vector<float> values(cases.values.size(), -1.0F);
  dequantize(info_.type, cases.blocks, values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(cases.values[i]))
        << "weight " << i % info_.block_elements << " of block " << i / info_.block_elements << ": " << values[i]
        << " for " << cases.values[i];
  }
}

TEST_P(Dequantize, ReadsUnalignedBlocksOneByOne) {
  const Cases cases = read_cases(info_);
  std::vector<std::byte> shifted(cases.blocks.size() + 1);
  std::memcpy(shifted.data() + 1, cases.blocks.data(), cases.blocks.size());
  std::vector<float> block(info_.block_elements);
  for (std::size_t b = 0; b * info_.block_bytes < cases.blocks.size(); ++b) {
    dequantize(info_.type, std::span(shifted).subspan(1 + b * info_.block_bytes, info_.block_bytes), block);
    const float* expected = &cases.values[b * info_.block_elements];
    ASSERT_EQ(std::memcmp(block.data(), expected, block.size() * sizeof(float)), 0) << "block " << b;
  }
}

TEST_P(Dequantize, RefusesSizesThatDoNotMatch) {
  EXPECT_EQ(kind_of(info_.type, info_.block_bytes - 1, info_.block_elements), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of(info_.type, info_.block_bytes + 1, info_.block_elements), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of(info_.type, info_.block_bytes, 2 * info_.block_elements), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of(info_.type, info_.block_bytes, info_.block_elements - 1), ErrorKind::kInvalidArgument);
  EXPECT_EQ(kind_of(info_.type, 0, info_.block_elements), ErrorKind::kInvalidArgument);
}

TEST_P(Dequantize, TakesNothing) { EXPECT_NO_THROW(dequantize(info_.type, {}, {})); }

std::vector<TensorType> all_types() {
  std::vector<TensorType> types;
  for (std::size_t i = 0; i < gguf::kTensorTypes; ++i) types.push_back(gguf::tensor_type_at(i).type);
  return types;
}

INSTANTIATE_TEST_SUITE_P(Types, Dequantize, testing::ValuesIn(all_types()),
                         [](const auto& test) { return std::string(gguf::type_info(test.param).name); });

TEST(DequantizeUnknown, IsAnInternalError) {
  EXPECT_EQ(kind_of(static_cast<TensorType>(4), 18, 32), ErrorKind::kInternal);
}

// Expected values computed by hand, in case the package has a bug.
TEST(DequantizeByHand, Q4_0) {
  std::vector<std::byte> block(18);
  block[0] = std::byte{0x00};
  block[1] = std::byte{0xC0};  // -2
  block[2] = std::byte{0x3F};  // weights 0 and 16: 15 and 3
  std::vector<float> values(32);
  dequantize(TensorType::kQ4_0, block, values);
  EXPECT_EQ(values[0], -14.0F);
  EXPECT_EQ(values[16], 10.0F);
  EXPECT_EQ(values[1], 16.0F);
}

}  // namespace
}  // namespace pith::weights
