#include "kv/codec/bit_pack.h"

namespace pith::kv {

// 8 codes of b bits are b whole bytes.

void pack_codes(std::span<const std::uint8_t> codes, std::size_t bits, std::byte* to) {
  for (std::size_t first = 0; first < codes.size(); first += 8) {
    std::uint64_t group = 0;
    for (std::size_t i = 0; i < 8; ++i) group |= static_cast<std::uint64_t>(codes[first + i]) << (bits * i);
    for (std::size_t i = 0; i < bits; ++i) *to++ = static_cast<std::byte>(group >> (8 * i));
  }
}

void unpack_codes(const std::byte* from, std::size_t bits, std::span<std::uint8_t> codes) {
  const std::uint64_t mask = (std::uint64_t{1} << bits) - 1;
  for (std::size_t first = 0; first < codes.size(); first += 8) {
    std::uint64_t group = 0;
    for (std::size_t i = 0; i < bits; ++i) group |= std::to_integer<std::uint64_t>(*from++) << (8 * i);
    for (std::size_t i = 0; i < 8; ++i) codes[first + i] = static_cast<std::uint8_t>(group >> (bits * i) & mask);
  }
}

}  // namespace pith::kv
