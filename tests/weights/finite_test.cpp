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
    const std::vector<std::byte> sound = test::random_weights(random, info.type, 1, kColumns, 1.0F);
    ASSERT_FALSE(find_not_finite(info.type, sound)) << info.name;
    int found = 0;
    const std::size_t second = kColumns / info.block_elements / 2 * info.block_bytes;
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
    EXPECT_GT(found, 0) << info.name;
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

TEST(Finite, TakesTheLargestAndTheSmallest) {
  const std::vector<float> row = {std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(),
                                  std::numeric_limits<float>::denorm_min(), 0.0F, -0.0F};
  EXPECT_FALSE(find_not_finite(gguf::TensorType::kF32, std::as_bytes(std::span(row))));
  EXPECT_FALSE(find_not_finite(gguf::TensorType::kF32, {}));
}

}  // namespace
}  // namespace pith::weights
