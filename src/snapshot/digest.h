#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace pith::snapshot {

/// A SHA-256.
using Digest = std::array<std::byte, 32>;

/// "0fa3…", all 64 digits.
std::string to_hex(const Digest& digest);

/// SHA-256 of bytes as they come.
class Sha256 {
 public:
  /// Throws Error(kInternal) if OpenSSL has none.
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void add(std::span<const std::byte> bytes);
  /// Of all that was added; nothing may be added afterwards.
  Digest finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Digest sha256(std::span<const std::byte> bytes);

/// XXH3 of 64 bits, of bytes as they come: finds damage, not intent.
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

/// XXH3 of 128 bits, for what is large.
std::array<std::uint64_t, 2> xxh3_wide(std::span<const std::byte> bytes);

}  // namespace pith::snapshot
