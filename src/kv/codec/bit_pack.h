#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pith::kv {

/// Returns the bytes of `count` codes (a multiple of 8) of `bits` bits each.
constexpr std::size_t packed_bytes(std::size_t count, std::size_t bits) { return count / 8 * bits; }

/// Packs codes of 0 to 8 bits without gaps, starting with the lowest bit of the first code: packed_bytes() bytes. Their
/// number is a multiple of 8; each is below 2^bits.
void pack_codes(std::span<const std::uint8_t> codes, std::size_t bits, std::byte* to);
/// The inverse.
void unpack_codes(const std::byte* from, std::size_t bits, std::span<std::uint8_t> codes);

}  // namespace pith::kv
