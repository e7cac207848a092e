#include "eval/fail.h"

#include <array>
#include <cstdint>
#include <iterator>

namespace pith::eval {
namespace {

struct Character {
  std::uint32_t code = 0;
  /// In bytes; 0: the text does not begin with a character in UTF-8.
  std::size_t length = 0;
};

/// Returns the number of bytes of a character that begins with this byte; 0 if none does.
std::size_t length_by(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = length_by(byte(0));
  if (length == 0 || length > text.size()) return {};
  std::uint32_t code = length == 1 ? byte(0) : byte(0) & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80U) return {};
    code = code << 6U | (byte(i) & 0x3FU);
  }
  // Written longer than it need be, or half of a pair of UTF-16, or beyond the last one.
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return {};
  return {code, length};
}

/// C0 and C1 controls, which steer terminals, and the separators of lines and paragraphs.
bool steers(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

}  // namespace

std::string visible(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const Character character = first_character(text);
    const bool shown = character.length != 0 && !steers(character.code);
    const std::size_t length = shown ? character.length : 1;
    if (shown) {
      result += text.substr(0, length);
    } else {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(text.front()));
    }
    text.remove_prefix(length);
  }
  return result;
}

}  // namespace pith::eval
