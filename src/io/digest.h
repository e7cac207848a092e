#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace pith::io {

/// A SHA-256 digest.
using Digest = std::array<std::byte, 32>;

/// Returns all 64 hexadecimal digits, in lower case.
std::string to_hex(const Digest& digest);

/// Computes SHA-256 incrementally.
class Sha256 {
 public:
  /// Throws Error(kInternal) if OpenSSL cannot compute SHA-256.
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const std::byte> bytes);
  /// Returns the digest of all bytes added. Add nothing afterwards.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::span<const std::byte> bytes);

/// Computes 64-bit XXH3 incrementally. Detects damage, not forgery.
class Xxh3 {
 public:
  /// Throws Error(kOutOfMemory).
  Xxh3();
  ~Xxh3();
  Xxh3(const Xxh3&) = delete;
  Xxh3& operator=(const Xxh3&) = delete;

  void reset();
  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::uint64_t xxh3(std::span<const std::byte> bytes);

/// Returns the 128-bit XXH3, for large data.
std::array<std::uint64_t, 2> xxh3_wide(std::span<const std::byte> bytes);

}  // namespace pith::io
