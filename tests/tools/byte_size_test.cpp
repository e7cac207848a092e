#include "tools/byte_size.h"

#include <gtest/gtest.h>

namespace pith::tools {
namespace {

TEST(ByteSize, AsPeopleWriteIt) {
  EXPECT_EQ(parse_bytes("1"), 1U);
  EXPECT_EQ(parse_bytes("2147483648"), 2147483648U);
  EXPECT_EQ(parse_bytes("100B"), 100U);
  EXPECT_EQ(parse_bytes("512MiB"), 512U << 20);
  EXPECT_EQ(parse_bytes("2GiB"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_bytes("2 gib"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_bytes("2G"), std::uint64_t{2} << 30);
  EXPECT_EQ(parse_bytes("1.5KiB"), 1536U);
  EXPECT_EQ(parse_bytes("3.5GB"), 3500000000U);
  EXPECT_EQ(parse_bytes("1TB"), 1000000000000U);
  EXPECT_EQ(parse_bytes("1k"), 1024U);
  EXPECT_EQ(parse_bytes("4611686018427387904"), std::uint64_t{1} << 62);
}

TEST(ByteSize, NothingElse) {
  for (const char* text : {"",       " ",     "GiB",    "lots",   "-1",  "-1GiB", "0",          "0GiB",
                           "0.1",    "nan",   "inf",    "infGiB", "1e3", "0x10",  "1XB",        "1GiBs",
                           "1 GiB ", " 1GiB", "1  GiB", "1,5GiB", "1Gi", "1BB",   "9000000TiB", "99999999999999999999",
                           "1\n"}) {
    EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
  }
}

TEST(ByteSize, ForReaders) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(bytes_text(std::uint64_t{2} << 30), "2.00 GiB");
  EXPECT_EQ(bytes_text(std::uint64_t{100} << 20), "100.0 MiB");
  EXPECT_EQ(bytes_text(std::uint64_t{5000} << 40), "5000.0 TiB");
}

}  // namespace
}  // namespace pith::tools
