#include "weights/finite.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/half.h"
#include "support/random_weights.h"
#include "weights/dequantize.h"

namespace pith::weights {
namespace {

constexpr std::size_t kColumns = 1024;

/// The check must agree with what dequantizing shows, for every byte of a block set to values that could be part of a
/// NaN.
TEST(Finite, AgreesWithWhatDequantizingGives) {
  test::Random random(3);
  for (std::size_t t = 0; t < gguf::kTensorTypes; ++t) {
    const gguf::TensorTypeInfo& info = gguf::tensor_type_at(t);
    std::vector<std::byte> sound = test::random_weights(random, info.type, 1, kColumns, 1.0F);
    const std::size_t second = kColumns / info.block_elements / 2 * info.block_bytes;
    // Two bits of the exponent that is spread over bytes 53 and 55; the loop sets the other three.
    if (info.type == gguf::TensorType::kIQ1_M) sound[second + 53] |= std::byte{0xC0};
    ASSERT_FALSE(find_not_finite(info.type, sound)) << info.name;
    int found = 0;
    for (std::size_t at = second; at < second + info.block_bytes; ++at) {
      for (const unsigned value : {0x7CU, 0x7FU, 0xFCU, 0xFFU, 0x80U}) {
        std::vector<std::byte> bytes = sound;
        bytes[at] = static_cast<std::byte>(value);
        // The lowest bit of the exponent of float32 and bfloat16 is in the byte before.
        if (at != second) bytes[at - 1] |= std::byte{0x80};
        std::vector<float> expanded(kColumns);
        dequantize(info.type, bytes, expanded);
        std::size_t first = 0;
        while (first < kColumns && std::isfinite(expanded[first])) ++first;
        const auto bad = find_not_finite(info.type, bytes);
        ASSERT_EQ(bad.has_value(), first != kColumns) << info.name << " byte " << at << " = " << value;
        if (!bad) continue;
        ++found;
        EXPECT_EQ(bad->column / info.block_elements, first / info.block_elements) << info.name;
        EXPECT_FALSE(std::isfinite(bad->value));
      }
    }
    // All scales of NVFP4 are finite.
    EXPECT_EQ(found > 0, info.type != gguf::TensorType::kNVFP4) << info.name;
  }
}

TEST(Finite, NamesTheFirstPlaceAndItsValue) {
  std::vector<float> row(100, 1.0F);
  row[31] = -std::numeric_limits<float>::infinity();
  row[77] = std::numeric_limits<float>::quiet_NaN();
  const auto element = find_not_finite(gguf::TensorType::kF32, std::as_bytes(std::span(row)));
  ASSERT_TRUE(element);
  EXPECT_EQ(element->column, 31U);
  EXPECT_EQ(element->what, "element");
  EXPECT_EQ(element->value, row[31]);

  test::Random random(1);
  std::vector<std::byte> blocks = test::random_weights(random, gguf::TensorType::kQ4_K, 1, kColumns, 1.0F);
  const std::uint16_t infinity = f32_to_f16(std::numeric_limits<float>::infinity());
  std::memcpy(&blocks[2 * 144 + 2], &infinity, sizeof infinity);
  const auto minimum = find_not_finite(gguf::TensorType::kQ4_K, blocks);
  ASSERT_TRUE(minimum);
  EXPECT_EQ(minimum->column, 512U);
  EXPECT_EQ(minimum->what, "minimum");
}

/// Weights of MXFP4 and Q8_K overflow under the largest of the finite scales, depending on their codes.
TEST(Finite, FindsWeightsThatOverflow) {
  std::vector<std::byte> mxfp4(2 * 17);
  mxfp4[17] = std::byte{253};
  mxfp4[17 + 1 + 4] = std::byte{0x5D};  // columns 4 and 20: levels -6 and 6
  EXPECT_FALSE(find_not_finite(gguf::TensorType::kMXFP4, mxfp4));
  mxfp4[17 + 1 + 5] = std::byte{0xE0};  // column 21: level -8
  const auto low = find_not_finite(gguf::TensorType::kMXFP4, mxfp4);
  ASSERT_TRUE(low);
  EXPECT_EQ(low->column, 32U + 21U);
  EXPECT_EQ(low->what, "weight");
  EXPECT_EQ(low->value, -std::numeric_limits<float>::infinity());
  mxfp4[17] = std::byte{252};
  EXPECT_FALSE(find_not_finite(gguf::TensorType::kMXFP4, mxfp4));

  std::vector<std::byte> q8_k(292);
  const float scale = std::numeric_limits<float>::max() / 100.0F;
  std::memcpy(q8_k.data(), &scale, sizeof scale);
  q8_k[4 + 7] = std::byte{99};
  EXPECT_FALSE(find_not_finite(gguf::TensorType::kQ8_K, q8_k));
  q8_k[4 + 7] = std::byte{101};
  const auto high = find_not_finite(gguf::TensorType::kQ8_K, q8_k);
  ASSERT_TRUE(high);
  EXPECT_EQ(high->column, 7U);
}

TEST(Finite, TakesTheLargestAndTheSmallest) {
  const std::vector<float> row = {std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(),
                                  std::numeric_limits<float>::denorm_min(), 0.0F, -0.0F};
  EXPECT_FALSE(find_not_finite(gguf::TensorType::kF32, std::as_bytes(std::span(row))));
  EXPECT_FALSE(find_not_finite(gguf::TensorType::kF32, {}));
}

}  // namespace
}  // namespace pith::weights
