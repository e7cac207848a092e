#pragma once

#include <cstddef>
#include <vector>

#include "kv/layout/layout.h"

namespace pith::kv {

/// Positions [first, last) whose tokens were taken out.
struct Hole {
  std::size_t first = 0;
  std::size_t last = 0;

  bool operator==(const Hole&) const = default;
};

/// Where tokens were taken out of the middle of a sequence (kv/evict/drop.h). What is stored keeps its positions;
/// queries see it as if the rest had closed up (kv/read/shifts.h).
class Holes {
 public:
  Holes() = default;
  /// `list` must be in order, and no two of them touch.
  explicit Holes(std::vector<Hole> list);

  /// In order; no two of them touch.
  const std::vector<Hole>& list() const { return list_; }
  bool empty() const { return list_.empty(); }
  /// Adds [first, last), which may cover others.
  void add(std::size_t first, std::size_t last);
  /// Returns how many positions are missing from `position` on.
  std::size_t missing_from(std::size_t position) const;
  std::size_t missing() const { return before_.empty() ? 0 : before_.back(); }
  /// Returns which tokens of a page are left.
  TokenMask left_of(std::size_t page) const;
  /// Returns the position of the token that `tokens` tokens are left before.
  std::size_t position_of(std::size_t tokens) const;

 private:
  /// Returns the first that ends after `position`.
  std::size_t first_after(std::size_t position) const;

  std::vector<Hole> list_;
  std::vector<std::size_t> before_;  ///< Positions missing before each; one more: all of them.
};

}  // namespace pith::kv
