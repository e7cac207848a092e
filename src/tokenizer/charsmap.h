#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::tokenizer {

/// SentencePiece's "precompiled charsmap": which sequences of characters a text has others for, such as NFKC. Begins
/// with the size of a double array (Aoe, 1989) in bytes, as 32 bits; then the array, 32 bits a unit, which maps each
/// sequence to an offset; then the replacements, each ended by a zero byte, to which the offsets point. Immutable.
class Charsmap {
 public:
  /// Replaces nothing.
  Charsmap() = default;
  /// Copies it. Throws Error(kFormat) naming the file, the place and the limit if it is cut, points outside itself,
  /// goes round in circles, or has sequences or replacements that are longer than any real one.
  Charsmap(std::string_view file, std::span<const std::byte> bytes);

  struct Hit {
    std::string_view replacement;  ///< Points into the charsmap.
    std::size_t size = 0;          ///< How many bytes it replaces; 0: nothing is replaced.
  };
  /// Returns the longest sequence that the text has at `at`.
  Hit find(std::string_view text, std::size_t at) const noexcept;

 private:
  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace pith::tokenizer
