#pragma once

#include <cstddef>

namespace pith {

/// The rotation of one pair of elements, by its cosine and sine. Not of length 1 if it scales as well.
template <typename Number>
struct Turn {
  Number cosine;
  Number sine;
};

/// Which elements of a vector RoPE rotates together, and how (Su et al., 2104.09864, equation 34): pair i is (x, y) and
/// becomes (x cos - y sin, x sin + y cos). Elements after the last pair stay as they are.
class RotaryPairs {
 public:
  /// `interleaved`: pair i is elements 2i and 2i + 1, otherwise elements i and i + count.
  constexpr RotaryPairs(std::size_t count, bool interleaved) : count_(count), interleaved_(interleaved) {}

  constexpr std::size_t count() const { return count_; }

  /// Rotates pair i of `vector` by turn_of(i), a Turn<Number>, in place; elements of the vector are `step` apart.
  /// Computes in Number. turn_of may not read the vector.
  template <typename Number, typename TurnOf>
  void rotate(Number* vector, const TurnOf& turn_of, std::size_t step = 1) const {
    // One loop per order of pairs, each with what the compiler needs to know in order to vectorize it.
    if (interleaved_) {
      for (std::size_t i = 0; i < count_; ++i)
        rotate_pair(vector[2 * i * step], vector[(2 * i + 1) * step], turn_of(i));
    } else {
      rotate_halves(vector, vector + count_ * step, turn_of, step);
    }
  }

 private:
  template <typename Number>
  static void rotate_pair(Number& x, Number& y, const Turn<Number> turn) {
    const Number old_x = x;
    const Number old_y = y;
    x = old_x * turn.cosine - old_y * turn.sine;
    y = old_x * turn.sine + old_y * turn.cosine;
  }

  template <typename Number, typename TurnOf>
  void rotate_halves(Number* __restrict first, Number* __restrict second, const TurnOf& turn_of,
                     std::size_t step) const {
    for (std::size_t i = 0; i < count_; ++i) rotate_pair(first[i * step], second[i * step], turn_of(i));
  }

  std::size_t count_;
  bool interleaved_;
};

}  // namespace pith
