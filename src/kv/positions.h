#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pith::kv {

/// Positions of a page's tokens in rising order, as gaps of about a byte each.
class Positions {
 public:
  explicit Positions(std::span<const std::int32_t> rising);

  std::vector<std::int32_t> list() const;
  std::size_t count() const { return count_; }
  std::size_t bytes() const { return gaps_.size(); }

 private:
  /// Seven bits a byte, low ones first; the top bit says that more follow.
  std::vector<std::uint8_t> gaps_;
  std::size_t count_;
};

}  // namespace pith::kv
