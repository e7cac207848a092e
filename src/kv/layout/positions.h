#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pith::kv {

/// The ascending positions of a page's tokens, stored as gaps of about one byte each.
class Positions {
 public:
  explicit Positions(std::span<const std::int32_t> rising);

  std::vector<std::int32_t> list() const;

 private:
  /// Seven bits per byte, low bits first; the top bit means that more follow.
  std::vector<std::uint8_t> gaps_;
  std::size_t count_;
};

}  // namespace pith::kv
