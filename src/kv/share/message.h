#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

#include "base/fail.h"

namespace pith::kv {

/// Reads what a rank has said. Throws Error(kIntegrity) naming the rank and what it spoke of, if it says less or more
/// than it is asked for.
class RankMessage {
 public:
  RankMessage(std::span<const std::byte> said, std::size_t rank, std::string_view about)
      : said_(said), left_(said), rank_(rank), about_(about) {}

  std::span<const std::byte> take(std::size_t count) {
    if (count > left_.size()) refuse("few");
    const std::span<const std::byte> taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  template <typename T>
  T get() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  void read(float* to, std::size_t count) {
    const std::span<const std::byte> floats = take(count * sizeof(float));
    if (!floats.empty()) std::memcpy(to, floats.data(), floats.size());
  }
  /// Nothing is left.
  void end() const {
    if (!left_.empty()) refuse("many");
  }

 private:
  [[noreturn]] void refuse(std::string_view how) const {
    fail(ErrorKind::kIntegrity, "rank {} says too {} bytes about {}: {}", rank_, how, about_, said_.size());
  }

  std::span<const std::byte> said_;
  std::span<const std::byte> left_;
  std::size_t rank_;
  std::string_view about_;
};

}  // namespace pith::kv
