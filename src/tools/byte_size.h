#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pith::tools {

/// Bytes of a size as people write it: "2147483648", "512MiB", "3.5GB", "2 GiB". KiB, MiB, GiB and TiB are powers of
/// 1024, KB, MB, GB and TB powers of 1000, and K, M, G and T stand for the former; case does not matter. Nothing for
/// anything else, and for sizes below 1 byte or above 2^62.
std::optional<std::uint64_t> parse_bytes(std::string_view text);

/// A size for readers: "512 B", "96.6 MiB", "2.00 GiB".
std::string bytes_text(std::uint64_t bytes);

}  // namespace pith::tools
