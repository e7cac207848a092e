#include "gguf/value.h"

#include <cmath>

#include "gguf/expect_error.h"

namespace pith::gguf {
namespace {

using test::GgufWriter;

std::string text_of(const GgufWriter& writer, std::size_t characters_max = 60) {
  const test::Bytes bytes = writer.bytes();
  return to_text(parse(bytes, kTestPath).metadata.entries().front().value, characters_max);
}

TEST(ValueText, OfScalars) {
  EXPECT_EQ(text_of(GgufWriter().add("a", std::uint8_t{7})), "7");
  EXPECT_EQ(text_of(GgufWriter().add("a", std::int8_t{-7})), "-7");
  EXPECT_EQ(text_of(GgufWriter().add("a", std::uint16_t{65535})), "65535");
  EXPECT_EQ(text_of(GgufWriter().add("a", std::int16_t{-1})), "-1");
  EXPECT_EQ(text_of(GgufWriter().add("a", std::int32_t{-5})), "-5");
  EXPECT_EQ(text_of(GgufWriter().add("a", ~std::uint64_t{0})), "18446744073709551615");
  EXPECT_EQ(text_of(GgufWriter().add("a", std::int64_t{-1})), "-1");
  EXPECT_EQ(text_of(GgufWriter().add("a", 100000.0F)), "100000");
  EXPECT_EQ(text_of(GgufWriter().add("a", 1e-5F)), "1e-05");
  EXPECT_EQ(text_of(GgufWriter().add("a", 0.1)), "0.1");
  EXPECT_EQ(text_of(GgufWriter().add("a", true)), "true");
  EXPECT_EQ(text_of(GgufWriter().add("a", false)), "false");
  EXPECT_EQ(text_of(GgufWriter().add("a", "llama\n")), "\"llama\\x0a\"");
}

TEST(ValueText, CutsLongText) {
  EXPECT_EQ(text_of(GgufWriter().add("a", "abcdef"), 6), "\"abcdef\"");
  EXPECT_EQ(text_of(GgufWriter().add("a", "abcdefg"), 6), "\"abcdef…\"");
}

TEST(ValueText, OfArrays) {
  EXPECT_EQ(text_of(GgufWriter().add_array("a", std::vector<std::int32_t>{1, -2, 3})), "[1, -2, 3]");
  EXPECT_EQ(text_of(GgufWriter().add_array("a", std::vector<std::string>{"en", "de"})), "[\"en\", \"de\"]");
  EXPECT_EQ(text_of(GgufWriter().add_array("a", std::vector<float>{})), "[]");
  const std::vector<std::uint32_t> many(50000, 7);
  EXPECT_EQ(text_of(GgufWriter().add_array("a", many), 10), "[7, 7, 7, …] (50000)");
  const std::vector<std::string> texts(3, std::string(1000, 'x'));
  EXPECT_LT(text_of(GgufWriter().add_array("a", texts), 40).size(), 80U);
}

TEST(ValueType, HasNamesAndSizes) {
  EXPECT_EQ(to_string(ValueType::kUint8), "uint8");
  EXPECT_EQ(to_string(ValueType::kFloat64), "float64");
  EXPECT_EQ(to_string(static_cast<ValueType>(13)), "type 13");
  EXPECT_EQ(fixed_size(ValueType::kInt16), 2U);
  EXPECT_EQ(fixed_size(ValueType::kString), 0U);
  EXPECT_EQ(fixed_size(static_cast<ValueType>(4000)), 0U);
  EXPECT_TRUE(is_integer(ValueType::kInt8));
  EXPECT_FALSE(is_integer(ValueType::kBool));
  EXPECT_FALSE(is_integer(ValueType::kString));
  EXPECT_TRUE(is_float(ValueType::kFloat32));
}

}  // namespace
}  // namespace pith::gguf
