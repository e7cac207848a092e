// What parse() refuses before the first tensor: magic, version, counts, keys, alignment.
#include <cstring>
#include <limits>

#include "gguf/expect_error.h"

namespace pith::gguf {
namespace {

using test::Bytes;
using test::GgufWriter;

Bytes text_bytes(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

GgufWriter small_file() {
  GgufWriter writer;
  writer.add("general.architecture", "llama").add("llama.block_count", std::uint32_t{2});
  const std::vector<float> values(8, 1.0F);
  writer.add_tensor("a.weight", {8}, values);
  return writer;
}

TEST(Header, TakesVersions2And3) {
  for (const std::uint32_t version : {2U, 3U}) {
    GgufWriter writer = small_file();
    writer.version = version;
    const Bytes bytes = writer.bytes();
    const Parsed parsed = parse(bytes, kTestPath);
    EXPECT_EQ(parsed.version, version);
    EXPECT_EQ(parsed.metadata.entries().size(), 2U);
    EXPECT_EQ(parsed.tensors.size(), 1U);
  }
}

TEST(Header, TakesAFileOfKeysOnly) {
  GgufWriter writer;
  writer.add("a", true);
  const Bytes bytes = writer.header();
  EXPECT_TRUE(parse(bytes, kTestPath).metadata.has("a"));
  EXPECT_NO_THROW(parse(GgufWriter().bytes(), kTestPath));
}

TEST(Header, RefusesAnEmptyFile) { EXPECT_TRUE(refused(Bytes{}, ErrorKind::kFormat, {"0 bytes long"})); }

TEST(Header, RefusesAnotherMagic) {
  EXPECT_TRUE(refused(text_bytes("hello, world"), ErrorKind::kFormat, {"\"hell\"", "GGUF"}));
  EXPECT_TRUE(refused(text_bytes("\n\n\x01\xFF...."), ErrorKind::kFormat, {"\\x0a\\x0a\\x01\\xff"}));
}

TEST(Header, RefusesOtherVersions) {
  GgufWriter writer = small_file();
  writer.version = 1;
  EXPECT_TRUE(refused(writer, ErrorKind::kUnsupported, {"version 1", "2 and 3"}));
  writer.version = 4;
  EXPECT_TRUE(refused(writer, ErrorKind::kUnsupported, {"version 4", "2 and 3"}));
  writer.version = 0;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"version 0"}));
}

TEST(Header, RefusesBigEndianFiles) {
  GgufWriter writer = small_file();
  for (const std::uint32_t version : {0x01000000U, 0x02000000U, 0x03000000U}) {
    writer.version = version;
    EXPECT_TRUE(refused(writer, ErrorKind::kUnsupported, {"big-endian"}));
  }
}

TEST(Header, RefusesMoreKeysThanFit) {
  GgufWriter writer = small_file();
  writer.stated_keys = 1000;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"list of keys", "1000"}));
  writer.stated_keys = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"list of keys", "18446744073709551615"}));
}

TEST(Header, RefusesMoreKeysThanAnyFileHas) {
  GgufWriter writer = small_file();
  writer.stated_keys = 65537;
  Bytes bytes = writer.bytes();
  bytes.resize(bytes.size() + std::size_t{65537} * 16);
  EXPECT_TRUE(refused(bytes, ErrorKind::kFormat, {"65537 keys", "65536"}));
}

TEST(Header, RefusesMoreTensorsThanFit) {
  GgufWriter writer = small_file();
  writer.stated_tensors = 1000;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"list of tensors", "1000"}));
  writer.stated_tensors = std::uint64_t{1} << 63;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"list of tensors", "9223372036854775808"}));
}

TEST(Header, RefusesAnEmptyKey) {
  EXPECT_TRUE(refused(GgufWriter().add("", std::uint32_t{1}), ErrorKind::kFormat, {"key 0", "empty"}));
}

TEST(Header, RefusesAKeyTwice) {
  GgufWriter writer = small_file();
  writer.add("llama.block_count", std::uint32_t{3});
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"llama.block_count", "twice"}));
}

TEST(Header, RefusesKeysThatAreNotText) {
  EXPECT_TRUE(refused(GgufWriter().add("a\nb", true), ErrorKind::kFormat, {"a\\x0ab", "ASCII"}));
  EXPECT_TRUE(refused(GgufWriter().add("\xC3\xA9", true), ErrorKind::kFormat, {"ASCII"}));
  EXPECT_TRUE(refused(GgufWriter().add(std::string(65536, 'a'), true), ErrorKind::kFormat, {"65536", "65535"}));
  EXPECT_NO_THROW(parse(GgufWriter().add(std::string(65535, 'a'), true).bytes(), kTestPath));
}

TEST(Header, RefusesAKeyLongerThanTheFile) {
  Bytes bytes = GgufWriter().add("abc", std::uint64_t{1}).bytes();
  // The length of the key follows magic, version and the two counts.
  bytes[24] = std::byte{200};
  EXPECT_TRUE(refused(bytes, ErrorKind::kFormat, {"key 0", "200"}));
  bytes[31] = std::byte{0xFF};
  EXPECT_TRUE(refused(bytes, ErrorKind::kFormat, {"key 0"}));
}

TEST(Header, RefusesUnknownValueTypes) {
  EXPECT_TRUE(refused(GgufWriter().add_raw("a", 13, Bytes(8)), ErrorKind::kFormat, {"a has value type 13"}));
  EXPECT_TRUE(refused(GgufWriter().add_raw("a", 0xFFFFFFFF, Bytes(8)), ErrorKind::kFormat, {"4294967295"}));
}

TEST(Header, RefusesBooleansThatAreNeither) {
  const auto type = static_cast<std::uint32_t>(ValueType::kBool);
  EXPECT_TRUE(refused(GgufWriter().add_raw("flag", type, Bytes(1, std::byte{2})), ErrorKind::kFormat, {"flag", "2"}));
  Bytes array;
  test::append_number(array, type);
  test::append_number(array, std::uint64_t{2});
  array.insert(array.end(), {std::byte{1}, std::byte{0x80}});
  const auto array_type = static_cast<std::uint32_t>(ValueType::kArray);
  EXPECT_TRUE(refused(GgufWriter().add_raw("flags", array_type, array), ErrorKind::kFormat, {"flags", "128"}));
}

/// Returns an array's header and some bytes after it.
Bytes array_of(std::uint32_t element, std::uint64_t count, std::size_t bytes) {
  Bytes array;
  test::append_number(array, element);
  test::append_number(array, count);
  array.resize(array.size() + bytes);
  return array;
}

TEST(Header, RefusesArraysLongerThanTheFile) {
  const auto array = static_cast<std::uint32_t>(ValueType::kArray);
  for (const std::uint32_t element : {0U, 4U, 7U, 8U, 10U, 12U}) {
    for (const std::uint64_t count : {std::uint64_t{100}, std::uint64_t{1} << 32, std::uint64_t{1} << 61,
                                      std::numeric_limits<std::uint64_t>::max()}) {
      GgufWriter writer;
      writer.add_raw("list", array, array_of(element, count, 64));
      EXPECT_TRUE(refused(writer.header(), ErrorKind::kFormat, {"list", std::to_string(count)}));
    }
  }
}

TEST(Header, RefusesArraysOfArraysAndOfUnknownTypes) {
  const auto array = static_cast<std::uint32_t>(ValueType::kArray);
  EXPECT_TRUE(refused(GgufWriter().add_raw("list", array, array_of(array, 1, 64)), ErrorKind::kUnsupported,
                      {"list", "array of arrays"}));
  EXPECT_TRUE(
      refused(GgufWriter().add_raw("list", array, array_of(99, 0, 64)), ErrorKind::kFormat, {"list", "value type 99"}));
}

TEST(Header, RefusesStringsLongerThanTheFile) {
  Bytes text;
  test::append_number(text, std::uint64_t{1} << 40);
  text.resize(text.size() + 16);
  GgufWriter writer;
  writer.add_raw("text", static_cast<std::uint32_t>(ValueType::kString), text);
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"text", "1099511627776", "left"}));

  Bytes array = array_of(static_cast<std::uint32_t>(ValueType::kString), 2, 0);
  test::append_string(array, "first");
  test::append_number(array, std::numeric_limits<std::uint64_t>::max());
  writer = GgufWriter();
  writer.add_raw("texts", static_cast<std::uint32_t>(ValueType::kArray), array);
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"texts", "18446744073709551615"}));
}

TEST(Alignment, IsTakenFromTheFile) {
  for (const std::uint32_t alignment : {8U, 64U, 4096U}) {
    GgufWriter writer = small_file();
    writer.set_alignment(alignment);
    const std::vector<float> values(3, 2.0F);
    writer.add_tensor("b.weight", {3}, values);
    const Bytes bytes = writer.bytes();
    const Parsed parsed = parse(bytes, kTestPath);
    for (const TensorInfo& tensor : parsed.tensors) {
      EXPECT_EQ(static_cast<std::size_t>(tensor.data.data() - bytes.data()) % alignment, 0U);
    }
    float first = 0;
    std::memcpy(&first, parsed.tensors[1].data.data(), sizeof first);
    EXPECT_EQ(first, 2.0F);
  }
}

TEST(Alignment, RefusesWhatIsNone) {
  for (const std::uint32_t alignment : {0U, 1U, 4U, 24U, 33U, 0x80000000U, 0xFFFFFFFFU}) {
    const GgufWriter writer = small_file().add("general.alignment", alignment);
    EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"general.alignment", std::to_string(alignment)}));
  }
}

TEST(Alignment, RefusesOtherTypes) {
  EXPECT_TRUE(refused(small_file().add("general.alignment", std::uint64_t{32}), ErrorKind::kFormat,
                      {"general.alignment is uint64", "uint32"}));
  EXPECT_TRUE(refused(small_file().add("general.alignment", "32"), ErrorKind::kFormat, {"string", "uint32"}));
}

}  // namespace
}  // namespace pith::gguf
