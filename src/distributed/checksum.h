#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pith::distributed {

/// Returns the 64-bit XXH3 of the bytes. Tells damage, not forgery.
std::uint64_t checksum(std::span<const std::byte> bytes);

}  // namespace pith::distributed
