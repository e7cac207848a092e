#include "kv/codec/bit_pack.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace pith::kv {
namespace {

RC_GTEST_PROP(BitPack, CodesComeBack, ()) {
  const auto bits = *rc::gen::inRange<std::size_t>(0, 9);
  const std::size_t count = 8 * *rc::gen::inRange<std::size_t>(0, 20);
  auto codes = *rc::gen::container<std::vector<std::uint8_t>>(count, rc::gen::arbitrary<std::uint8_t>());
  for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(code & ((1U << bits) - 1U));
  constexpr std::byte kGuard{0xA5};
  std::vector<std::byte> bytes(packed_bytes(count, bits) + 1, kGuard);
  pack_codes(codes, bits, bytes.data());
  RC_ASSERT(bytes.back() == kGuard);
  std::vector<std::uint8_t> back(count, 0xFF);
  unpack_codes(bytes.data(), bits, back);
  RC_ASSERT(back == codes);
}

TEST(BitPack, LowestBitFirst) {
  const std::vector<std::uint8_t> codes = {1, 2, 3, 4, 5, 6, 7, 0};
  std::vector<std::byte> bytes(3);
  pack_codes(codes, 3, bytes.data());
  EXPECT_EQ(bytes, (std::vector<std::byte>{std::byte{0xD1}, std::byte{0x58}, std::byte{0x1F}}));
}

}  // namespace
}  // namespace pith::kv
