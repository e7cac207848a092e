#include "gguf/metadata.h"

#include <cmath>
#include <limits>

#include "gguf/expect_error.h"

namespace pith::gguf {
namespace {

using test::Bytes;
using test::GgufWriter;

/// Parsed keys, and the bytes that they point into.
struct Keys {
  explicit Keys(const GgufWriter& writer) : bytes(writer.bytes()), metadata(parse(bytes, kTestPath).metadata) {}
  Bytes bytes;
  Metadata metadata;
};

GgufWriter every_type() {
  GgufWriter writer;
  writer.add("u8", std::uint8_t{200}).add("i8", std::int8_t{-100}).add("u16", std::uint16_t{60000});
  writer.add("i16", std::int16_t{-30000}).add("u32", std::uint32_t{4000000000}).add("i32", std::int32_t{-2000000000});
  writer.add("f32", 1.5F).add("yes", true).add("no", false).add("text", "héllo");
  writer.add("u64", std::numeric_limits<std::uint64_t>::max()).add("i64", std::numeric_limits<std::int64_t>::min());
  writer.add("f64", 2.25);
  return writer;
}

TEST(Metadata, ReadsEveryType) {
  const Keys keys(every_type());
  const Metadata& metadata = keys.metadata;
  EXPECT_EQ(metadata.get<std::uint64_t>("u8"), 200U);
  EXPECT_EQ(metadata.get<std::int64_t>("i8"), -100);
  EXPECT_EQ(metadata.get<std::uint64_t>("u16"), 60000U);
  EXPECT_EQ(metadata.get<std::int64_t>("i16"), -30000);
  EXPECT_EQ(metadata.get<std::uint64_t>("u32"), 4000000000U);
  EXPECT_EQ(metadata.get<std::int64_t>("i32"), -2000000000);
  EXPECT_EQ(metadata.get<float>("f32"), 1.5F);
  EXPECT_EQ(metadata.get<double>("f32"), 1.5);
  EXPECT_EQ(metadata.get<bool>("yes"), true);
  EXPECT_EQ(metadata.get<bool>("no"), false);
  EXPECT_EQ(metadata.get<std::string_view>("text"), "héllo");
  EXPECT_EQ(metadata.get<std::uint64_t>("u64"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(metadata.get<std::int64_t>("i64"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(metadata.get<double>("f64"), 2.25);
  EXPECT_EQ(metadata.get<float>("f64"), 2.25F);
}

TEST(Metadata, ConvertsIntegersThatFit) {
  const Keys keys(every_type());
  EXPECT_EQ(keys.metadata.get<std::int64_t>("u32"), 4000000000);
  EXPECT_EQ(keys.metadata.get<std::int32_t>("u8"), 200);
  EXPECT_EQ(keys.metadata.get<std::uint32_t>("u32"), 4000000000U);
  const auto wrong = [&](auto type, const char* key, const std::string& value) {
    return throws(ErrorKind::kFormat, {kTestPath, key, value}, [&] { keys.metadata.get<decltype(type)>(key); });
  };
  EXPECT_TRUE(wrong(std::uint64_t{}, "i8", "int8 -100"));
  EXPECT_TRUE(wrong(std::int64_t{}, "u64", "uint64 18446744073709551615"));
  EXPECT_TRUE(wrong(std::int32_t{}, "u32", "uint32 4000000000"));
  EXPECT_TRUE(wrong(std::uint32_t{}, "i64", "int64 -9223372036854775808"));
}

TEST(Metadata, RefusesOtherTypes) {
  const Keys keys(every_type());
  const auto wrong = [&](auto type, const char* key, const std::string& stated, const std::string& wanted) {
    return throws(ErrorKind::kFormat, {kTestPath, key, stated, wanted},
                  [&] { keys.metadata.get<decltype(type)>(key); });
  };
  EXPECT_TRUE(wrong(std::uint64_t{}, "f32", "float32 1.5", "integer"));
  EXPECT_TRUE(wrong(std::uint64_t{}, "text", "string \"héllo\"", "integer"));
  EXPECT_TRUE(wrong(std::int64_t{}, "yes", "bool true", "integer"));
  EXPECT_TRUE(wrong(double{}, "u32", "uint32", "float32 or float64"));
  EXPECT_TRUE(wrong(bool{}, "u8", "uint8 200", "bool"));
  EXPECT_TRUE(wrong(std::string_view{}, "u32", "uint32", "string"));
  EXPECT_TRUE(wrong(float{}, "text", "string", "float"));
}

TEST(Metadata, RefusesDoublesBeyondFloat) {
  const Keys keys(GgufWriter().add("big", 1e300).add("endless", std::numeric_limits<double>::infinity()));
  EXPECT_EQ(keys.metadata.get<double>("big"), 1e300);
  EXPECT_TRUE(throws(ErrorKind::kFormat, {"big", "1e+300"}, [&] { keys.metadata.get<float>("big"); }));
  EXPECT_TRUE(std::isinf(*keys.metadata.get<float>("endless")));
}

TEST(Metadata, KnowsWhatIsAbsent) {
  const Keys keys(every_type());
  const Metadata& metadata = keys.metadata;
  EXPECT_TRUE(metadata.has("u8"));
  EXPECT_FALSE(metadata.has("u"));
  EXPECT_FALSE(metadata.has(""));
  EXPECT_EQ(metadata.get<std::uint64_t>("nothing"), std::nullopt);
  EXPECT_TRUE(metadata.strings("nothing").empty());
  EXPECT_TRUE(metadata.floats("nothing").empty());
  EXPECT_TRUE(metadata.integers("nothing").empty());
  EXPECT_FALSE(metadata.is_array("nothing"));
  EXPECT_EQ(metadata.require<std::uint64_t>("u8"), 200U);
  EXPECT_TRUE(throws(ErrorKind::kFormat, {kTestPath, "nothing", "missing"},
                     [&] { metadata.require<std::string_view>("nothing"); }));
}

TEST(Metadata, ReadsArrays) {
  GgufWriter writer;
  writer.add_array("texts", std::vector<std::string>{"", "one", "two\n"});
  writer.add_array("floats", std::vector<float>{1.5F, -2.0F}).add_array("doubles", std::vector<double>{0.5});
  writer.add_array("small", std::vector<std::int8_t>{-1, 2}).add_array("large", std::vector<std::uint64_t>{7});
  writer.add_array("none", std::vector<std::int32_t>{});
  Bytes flags;
  test::append_number(flags, static_cast<std::uint32_t>(ValueType::kBool));
  test::append_number(flags, std::uint64_t{3});
  flags.insert(flags.end(), {std::byte{1}, std::byte{0}, std::byte{1}});
  writer.add_raw("flags", static_cast<std::uint32_t>(ValueType::kArray), flags);
  const Keys keys(writer);
  EXPECT_EQ(keys.metadata.strings("texts"), (std::vector<std::string_view>{"", "one", "two\n"}));
  EXPECT_EQ(keys.metadata.floats("floats"), (std::vector<float>{1.5F, -2.0F}));
  EXPECT_EQ(keys.metadata.floats("doubles"), std::vector<float>{0.5F});
  EXPECT_EQ(keys.metadata.integers("small"), (std::vector<std::int64_t>{-1, 2}));
  EXPECT_EQ(keys.metadata.integers("large"), std::vector<std::int64_t>{7});
  EXPECT_EQ(keys.metadata.integers("flags"), (std::vector<std::int64_t>{1, 0, 1}));
  EXPECT_TRUE(keys.metadata.integers("none").empty());
  EXPECT_TRUE(keys.metadata.is_array("none"));
}

TEST(Metadata, RefusesArraysOfOtherTypes) {
  GgufWriter writer;
  writer.add_array("texts", std::vector<std::string>{"a"}).add_array("numbers", std::vector<std::uint32_t>{1});
  writer.add_array("large", std::vector<std::uint64_t>{std::uint64_t{1} << 63});
  writer.add_array("doubles", std::vector<double>{1e300}).add("scalar", std::uint32_t{1});
  const Keys keys(writer);
  const Metadata& metadata = keys.metadata;
  const auto wrong = [&](const std::vector<std::string>& parts, const auto& call) {
    return throws(ErrorKind::kFormat, parts, call);
  };
  EXPECT_TRUE(wrong({"numbers", "array of uint32", "string"}, [&] { metadata.strings("numbers"); }));
  EXPECT_TRUE(wrong({"texts", "array of string", "floats"}, [&] { metadata.floats("texts"); }));
  EXPECT_TRUE(wrong({"texts", "integers"}, [&] { metadata.integers("texts"); }));
  EXPECT_TRUE(wrong({"large", "9223372036854775808"}, [&] { metadata.integers("large"); }));
  EXPECT_TRUE(wrong({"doubles", "1e+300"}, [&] { metadata.floats("doubles"); }));
  EXPECT_TRUE(wrong({"scalar", "uint32", "array"}, [&] { metadata.strings("scalar"); }));
  EXPECT_TRUE(wrong({"numbers", "array of uint32"}, [&] { metadata.get<std::uint64_t>("numbers"); }));
  EXPECT_TRUE(wrong({"texts", "array of string"}, [&] { metadata.get<std::string_view>("texts"); }));
}

TEST(Metadata, KeepsTheOrderOfTheFile) {
  const Keys keys(GgufWriter().add("z", true).add("a", 1.0F).add("m", "text"));
  std::string order;
  for (const MetadataEntry& entry : keys.metadata.entries()) order += entry.key;
  EXPECT_EQ(order, "zam");
}

TEST(Metadata, FindsAmongManyKeys) {
  GgufWriter writer;
  for (std::uint32_t i = 0; i < 1000; ++i) writer.add("key." + std::to_string(i * 7919 % 1000), i * 7919 % 1000);
  const Keys keys(writer);
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ASSERT_EQ(keys.metadata.get<std::uint32_t>("key." + std::to_string(i)), i);
  }
}

// Sparse files cost nothing, but expanding their contents would.
TEST(Metadata, RefusesArraysBeyondAllVocabularies) {
  constexpr std::size_t kMost = std::size_t{1} << 24;
  test::Bytes value;
  test::append_number(value, static_cast<std::uint32_t>(ValueType::kUint8));
  test::append_number(value, std::uint64_t{kMost + 1});
  value.resize(value.size() + kMost + 1);
  GgufWriter writer;
  writer.add_raw("a", static_cast<std::uint32_t>(ValueType::kArray), value);
  EXPECT_TRUE(throws(ErrorKind::kFormat, {"a has 16777217 entries", "at most 16777216"},
                     [&] { parse(writer.bytes(), kTestPath); }));
}

}  // namespace
}  // namespace pith::gguf
