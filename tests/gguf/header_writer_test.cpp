#include "gguf/header_writer.h"

#include "gguf/expect_error.h"

namespace pith::gguf {
namespace {

using test::GgufWriter;

/// Keys of every type, and two tensors.
GgufWriter everything() {
  GgufWriter writer;
  writer.add("u8", std::uint8_t{200}).add("i8", std::int8_t{-100}).add("u16", std::uint16_t{60000});
  writer.add("i16", std::int16_t{-3}).add("u32", std::uint32_t{4000000000}).add("i32", std::int32_t{-5});
  writer.add("u64", ~std::uint64_t{0}).add("i64", std::int64_t{-7}).add("f32", 0.1F).add("f64", -1e300);
  writer.add("yes", true).add("text", "zw\xC3\xB6lf\n").add("empty", "");
  writer.add_array("integers", std::vector<std::int16_t>{1, -2, 3});
  writer.add_array("texts", std::vector<std::string>{"a", "", "\xFF"});
  writer.add_array("none", std::vector<float>{});
  writer.add_tensor("a.weight", TensorType::kQ4_0, {64, 3}, test::Bytes(108));
  writer.add_tensor("b", TensorType::kF32, {5}, test::Bytes(20));
  return writer;
}

std::vector<std::byte> copied_header(const GgufWriter& writer, std::uint64_t alignment) {
  const test::Bytes bytes = writer.bytes();
  const Parsed parsed = parse(bytes, kTestPath);
  HeaderWriter header(alignment);
  for (const auto& [key, value] : parsed.metadata.entries()) header.add(key, value);
  for (const TensorInfo& tensor : parsed.tensors) header.add_tensor(tensor.name, tensor.type, tensor.dims);
  EXPECT_EQ(header.file_bytes(), bytes.size());
  return header.bytes();
}

TEST(HeaderWriter, CopiesEveryByte) {
  for (const std::uint32_t alignment : {8U, 32U, 256U}) {
    GgufWriter writer = everything();
    writer.set_alignment(alignment);
    const test::Bytes whole = writer.bytes();
    const std::vector<std::byte> header = copied_header(writer, alignment);
    ASSERT_LE(header.size(), whole.size());
    EXPECT_TRUE(std::equal(header.begin(), header.end(), whole.begin()));
    EXPECT_EQ(header.size() % alignment, 0U);
  }
}

TEST(HeaderWriter, CopiesVersion2AsVersion3) {
  GgufWriter old = everything();
  old.version = 2;
  const std::vector<std::byte> header = copied_header(old, 32);
  EXPECT_EQ(header, copied_header(everything(), 32));
}

TEST(HeaderWriter, AddsNumbers) {
  HeaderWriter header(32);
  header.add("general.file_type", 15U);
  std::vector<std::byte> bytes = header.bytes();
  EXPECT_EQ(header.file_bytes(), bytes.size());
  const Parsed parsed = parse(bytes, kTestPath);
  EXPECT_EQ(parsed.version, 3U);
  EXPECT_EQ(parsed.metadata.require<std::uint32_t>("general.file_type"), 15U);
  EXPECT_EQ(parsed.metadata.find("general.file_type")->type, ValueType::kUint32);
}

TEST(HeaderWriter, RefusesWhat64BitsDoNotCount) {
  const std::uint64_t half = std::uint64_t{1} << 62;
  EXPECT_TRUE(throws(ErrorKind::kUnsupported, {"big"},
                     [&] { tensor_bytes("big", TensorType::kF32, std::vector<std::uint64_t>{half}); }));
  EXPECT_TRUE(throws(ErrorKind::kUnsupported, {"big"}, [&] {
    tensor_bytes("big", TensorType::kF32, std::vector<std::uint64_t>{half, half});
  }));
  HeaderWriter header(32);
  header.add_tensor("first", TensorType::kF16, std::vector<std::uint64_t>{half});
  EXPECT_TRUE(throws(ErrorKind::kUnsupported, {"second"},
                     [&] { header.add_tensor("second", TensorType::kF16, std::vector<std::uint64_t>{half}); }));
  EXPECT_EQ(tensor_bytes("small", TensorType::kQ4_K, std::vector<std::uint64_t>{512, 3}), 6U * 144U);
}

}  // namespace
}  // namespace pith::gguf
