#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pith::tokenizer {

/// The result of decoding at one position.
struct Utf8Scan {
  enum class State : std::uint8_t {
    kWhole,       ///< A character (Unicode scalar value) of `size` bytes.
    kIncomplete,  ///< The text ends inside a character, of which `size` bytes are present.
    kInvalid,     ///< `size` bytes that no character can begin with: a maximal subpart (Unicode 15, section 3.9, D93b).
  };
  char32_t code = 0;
  std::uint8_t size = 0;
  State state = State::kInvalid;
};

/// Decodes the character at `at`, which must be inside the text. Overlong forms, surrogates and codes above U+10FFFF
/// are invalid.
Utf8Scan scan_utf8(std::string_view text, std::size_t at) noexcept;

/// Returns how many bytes from the beginning of the text form whole characters.
std::size_t valid_utf8_bytes(std::string_view text) noexcept;

inline bool is_valid_utf8(std::string_view text) noexcept { return valid_utf8_bytes(text) == text.size(); }

/// Returns the text with U+FFFD in place of each byte that is not part of a character.
std::string replace_invalid_utf8(std::string_view text);

/// Appends a Unicode scalar value.
void append_utf8(char32_t code, std::string& out);

/// U+FFFD.
inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

}  // namespace pith::tokenizer
