#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pith::snapshot {

/// Incremented whenever older readers would misread a file (docs/formats/snapshot.md).
inline constexpr std::uint32_t kVersion = 4;
/// What a file is written as that has nothing newer in it, so that older readers take it.
inline constexpr std::uint32_t kVersionWithoutHoles = 3;
/// Older versions are read from this one on; what they lack has its default.
inline constexpr std::uint32_t kOldestVersion = 1;

inline constexpr std::size_t kHeaderBytes = 72;
using HeaderBytes = std::array<std::byte, kHeaderBytes>;

inline constexpr std::size_t kSaltBytes = 32;
inline constexpr std::size_t kKeyCheckBytes = 16;

/// The unencrypted beginning of every snapshot.
struct Header {
  std::uint32_t version = kVersion;
  bool encrypted = false;
  /// Zero if not encrypted, as is key_check.
  std::array<std::byte, kSaltBytes> salt{};
  std::array<std::byte, kKeyCheckBytes> key_check{};

  HeaderBytes encode() const;
  /// Throws Error that begins with `path`: kFormat if it is no snapshot or damaged, kUnsupported for an unknown
  /// version.
  static Header decode(std::span<const std::byte, kHeaderBytes> bytes, std::string_view path);
};

}  // namespace pith::snapshot
