// What parse() accepts and refuses in the list of tensors and in their data.
#include <limits>

#include "gguf/expect_error.h"

namespace pith::gguf {
namespace {

using test::Bytes;
using test::GgufWriter;

constexpr std::uint32_t kF32 = 0;

GgufWriter one(std::vector<std::uint64_t> dims, std::uint32_t type = kF32, std::size_t bytes = 32) {
  GgufWriter writer;
  writer.add_tensor_raw("blk.0.weight", type, std::move(dims), Bytes(bytes));
  return writer;
}

GgufWriter two() {
  GgufWriter writer;
  writer.add_tensor_raw("first", kF32, {5}, Bytes(20, std::byte{1}));
  writer.add_tensor_raw("second", kF32, {4, 3}, Bytes(48, std::byte{2}));
  return writer;
}

TEST(TensorTable, ReadsShapesAndData) {
  const Bytes bytes = two().bytes();
  const Parsed parsed = parse(bytes, kTestPath);
  ASSERT_EQ(parsed.tensors.size(), 2U);
  const TensorInfo& second = parsed.tensors[1];
  EXPECT_EQ(second.name, "second");
  EXPECT_EQ(second.type, TensorType::kF32);
  EXPECT_EQ(second.dims, (std::vector<std::uint64_t>{4, 3}));
  EXPECT_EQ(second.columns(), 4U);
  EXPECT_EQ(second.rows(), 3U);
  ASSERT_EQ(second.data.size(), 48U);
  EXPECT_EQ(second.data.front(), std::byte{2});
  EXPECT_EQ(second.data.back(), std::byte{2});
  EXPECT_EQ(parsed.tensors[0].data.size(), 20U);
  EXPECT_EQ(parsed.tensors[0].rows(), 1U);
}

TEST(TensorTable, ReadsEveryType) {
  GgufWriter writer;
  for (std::size_t i = 0; i < kTensorTypes; ++i) {
    const TensorTypeInfo& info = tensor_type_at(i);
    writer.add_tensor(info.name, info.type, {2 * info.block_elements, 3, 1, 2}, Bytes(12 * info.block_bytes));
  }
  const Bytes bytes = writer.bytes();
  const Parsed parsed = parse(bytes, kTestPath);
  ASSERT_EQ(parsed.tensors.size(), kTensorTypes);
  for (std::size_t i = 0; i < kTensorTypes; ++i) {
    EXPECT_EQ(parsed.tensors[i].type, tensor_type_at(i).type);
    EXPECT_EQ(parsed.tensors[i].rows(), 6U);
    EXPECT_EQ(parsed.tensors[i].data.size(), 12 * tensor_type_at(i).block_bytes);
  }
}

TEST(TensorTable, TakesDataInAnyOrder) {
  GgufWriter writer = two();
  writer.tensors[0].stated_offset = 64;
  writer.tensors[1].stated_offset = 0;
  writer.tensors[0].data.resize(48);
  writer.tensors[1].data.resize(20);
  const Bytes bytes = writer.bytes();
  const Parsed parsed = parse(bytes, kTestPath);
  EXPECT_LT(parsed.tensors[1].data.data(), parsed.tensors[0].data.data());
}

TEST(TensorTable, TakesAFileWithoutPaddingAtItsEnd) {
  Bytes bytes = two().bytes();
  bytes.resize(bytes.size() - 16);
  EXPECT_EQ(parse(bytes, kTestPath).tensors.size(), 2U);
  bytes.resize(bytes.size() - 1);
  EXPECT_TRUE(refused(bytes, ErrorKind::kFormat, {"second", "48 bytes", "79 bytes of data"}));
}

TEST(TensorTable, RefusesAnEmptyName) {
  GgufWriter writer = two();
  writer.tensors[1].name = "";
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"name of tensor 1", "empty"}));
}

TEST(TensorTable, RefusesALongName) {
  GgufWriter writer = two();
  writer.tensors[1].name = std::string(64, 'n');
  EXPECT_NO_THROW(parse(writer.bytes(), kTestPath));
  writer.tensors[1].name = std::string(65, 'n');
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"name of tensor 1", "65", "64"}));
}

TEST(TensorTable, EscapesNamesInMessages) {
  GgufWriter writer = one({0});
  writer.tensors[0].name = "a\nb\xFF";
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"a\\x0ab\\xff"}));
}

TEST(TensorTable, RefusesOtherRanks) {
  EXPECT_TRUE(refused(one({}), ErrorKind::kFormat, {"blk.0.weight", "0 dimensions", "1 to 4"}));
  EXPECT_TRUE(refused(one({2, 2, 2, 1, 1}), ErrorKind::kFormat, {"blk.0.weight", "5 dimensions"}));
  Bytes bytes = one({8}).bytes();
  const Bytes name = GgufWriter().add_tensor_raw("blk.0.weight", 0, {}, {}).header();
  // The rank is the 4 bytes before the type and the offset.
  for (std::size_t i = 0; i < 4; ++i) bytes[name.size() - 16 + i] = std::byte{0xFF};
  EXPECT_TRUE(refused(bytes, ErrorKind::kFormat, {"4294967295 dimensions"}));
}

TEST(TensorTable, RefusesDimensionsOfZero) {
  EXPECT_TRUE(refused(one({0}), ErrorKind::kFormat, {"blk.0.weight", "dimension of 0"}));
  EXPECT_TRUE(refused(one({8, 0}), ErrorKind::kFormat, {"blk.0.weight", "dimension of 0"}));
}

TEST(TensorTable, RefusesNegativeDimensions) {
  const auto q4_0 = static_cast<std::uint32_t>(TensorType::kQ4_0);
  for (const std::uint32_t type : {kF32, q4_0}) {
    for (const std::uint64_t dim : {std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - 31}) {
      const std::string text = "dimension of " + std::to_string(static_cast<std::int64_t>(dim));
      EXPECT_TRUE(refused(one({dim}, type), ErrorKind::kFormat, {"blk.0.weight", text, "1 to 9223372036854775807"}));
      EXPECT_TRUE(refused(one({32, dim}, type), ErrorKind::kFormat, {"blk.0.weight", text}));
    }
  }
}

TEST(TensorTable, RefusesMoreTensorsThanAnyModelHas) {
  GgufWriter writer = one({8});
  writer.stated_tensors = 65537;
  Bytes bytes = writer.bytes();
  bytes.resize(bytes.size() + 65537 * 40);
  EXPECT_TRUE(refused(bytes, ErrorKind::kFormat, {"65537 tensors", "65536"}));
}

TEST(TensorTable, RefusesProductsThatDoNotFit) {
  const std::uint64_t half = std::uint64_t{1} << 32;
  EXPECT_TRUE(refused(one({half, half}), ErrorKind::kFormat, {"blk.0.weight", "4294967296, 4294967296"}));
  EXPECT_TRUE(refused(one({half, half, half, half}), ErrorKind::kFormat, {"64 bits"}));
  EXPECT_TRUE(refused(one({std::uint64_t{1} << 62}), ErrorKind::kFormat, {"64 bits"}));
  EXPECT_TRUE(refused(one({std::uint64_t{1} << 60}), ErrorKind::kFormat, {"32 bytes of data"}));
}

TEST(TensorTable, RefusesPartsOfBlocks) {
  const auto q4_0 = static_cast<std::uint32_t>(TensorType::kQ4_0);
  const auto q4_k = static_cast<std::uint32_t>(TensorType::kQ4_K);
  EXPECT_TRUE(refused(one({33}, q4_0), ErrorKind::kFormat, {"blk.0.weight", "33 columns", "Q4_0", "32"}));
  EXPECT_TRUE(refused(one({16, 2}, q4_0), ErrorKind::kFormat, {"16 columns"}));
  EXPECT_TRUE(refused(one({576, 1}, q4_k), ErrorKind::kFormat, {"576 columns", "Q4_K", "256"}));
}

TEST(TensorTable, RefusesTypesByName) {
  const std::vector<std::pair<std::uint32_t, std::string>> others = {
      {4, "Q4_2"},  {9, "Q8_1"},      {24, "I8"},
      {28, "F64"},  {31, "Q4_0_4_4"}, {38, "IQ4_NL_8_8"},
      {41, "Q1_0"}, {77, "type 77"},  {0xFFFFFFFF, "type 4294967295"}};
  for (const auto& [type, name] : others) {
    EXPECT_TRUE(refused(one({256}, type, 256), ErrorKind::kUnsupported, {"blk.0.weight", name}));
  }
}

TEST(TensorTable, RefusesOffsetsOutOfLine) {
  GgufWriter writer = two();
  writer.tensors[1].stated_offset = 36;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"second", "offset 36", "multiple of 32"}));
  writer.tensors[1].stated_offset = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"second", "18446744073709551615"}));
}

TEST(TensorTable, RefusesDataOutsideOfTheFile) {
  GgufWriter writer = two();
  writer.tensors[1].dims = {4, 4, 2};
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"second", "128 bytes", "offset 32", "96 bytes of data"}));
}

TEST(TensorTable, RefusesDataThatIsNotThere) {
  const GgufWriter writer = two();
  EXPECT_TRUE(refused(writer.header(), ErrorKind::kFormat, {"first", "0 bytes of data"}));
}

TEST(TensorTable, RefusesOverlaps) {
  GgufWriter writer = two();
  writer.tensors[1].stated_offset = 0;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"second", "overlaps"}));
  writer = two();
  writer.tensors[0].dims = {16};
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"second", "overlaps", "64"}));
}

TEST(TensorTable, RefusesGaps) {
  GgufWriter writer = two();
  writer.tensors[1].stated_offset = 64;
  writer.tensors[1].data.resize(96);
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"44 bytes before tensor second"}));
  writer = one({8});
  writer.tensors[0].stated_offset = 32;
  writer.tensors[0].data.resize(64);
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"32 bytes before tensor blk.0.weight"}));
  writer.tensors[0].stated_offset = std::uint64_t{1} << 40;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"blk.0.weight"}));
}

TEST(TensorTable, RefusesBytesAfterTheLastTensor) {
  Bytes bytes = two().bytes();
  bytes.resize(bytes.size() + 15);
  EXPECT_EQ(parse(bytes, kTestPath).tensors.size(), 2U);
  bytes.resize(bytes.size() + 1);
  EXPECT_TRUE(refused(bytes, ErrorKind::kFormat, {"32 bytes after the last tensor"}));
  // States one tensor fewer than there are, so that data is left over.
  GgufWriter writer = two();
  writer.stated_tensors = 1;
  EXPECT_TRUE(refused(writer, ErrorKind::kFormat, {"after the last tensor"}));
}

}  // namespace
}  // namespace pith::gguf
