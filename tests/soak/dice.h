#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace pith::soak {

/// Random choices that a seed reproduces.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}

  /// Returns a number in [0, limit).
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }
  /// Returns a number in [least, most].
  int between(int least, int most) {
    return least + static_cast<int>(below(static_cast<std::size_t>(most - least) + 1));
  }
  bool one_in(std::size_t times) { return below(times) == 0; }
  template <typename T>
  const T& pick(const std::vector<T>& items) {
    return items[below(items.size())];
  }
  std::uint64_t seed() { return random_(); }

 private:
  std::mt19937_64 random_;
};

}  // namespace pith::soak
