#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pith::snapshot {

/// Raised whenever older readers would misread a file (docs/formats/snapshot.md).
inline constexpr std::uint32_t kVersion = 2;
/// Older versions are read from this one on; what they lack has its default.
inline constexpr std::uint32_t kOldestVersion = 1;

inline constexpr std::size_t kHeaderBytes = 72;
using HeaderBytes = std::array<std::byte, kHeaderBytes>;

inline constexpr std::size_t kSaltBytes = 32;
inline constexpr std::size_t kKeyCheckBytes = 16;

/// The plain text that every snapshot begins with.
struct Header {
  std::uint32_t version = kVersion;
  bool encrypted = false;
  /// Zero where nothing is encrypted.
  std::array<std::byte, kSaltBytes> salt{};
  std::array<std::byte, kKeyCheckBytes> key_check{};

  HeaderBytes encode() const;
  /// Throws Error that begins with `path`: kFormat for what is no snapshot or is damaged, kUnsupported for a version
  /// that is not known.
  static Header decode(std::span<const std::byte, kHeaderBytes> bytes, std::string_view path);
};

}  // namespace pith::snapshot
