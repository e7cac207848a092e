#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pith::tokenizer {

// Byte-level BPE (Radford et al., GPT-2) writes every byte as one printable character: bytes that are printable in
// Latin-1 stand for themselves, the others for characters from U+0100 on. A space becomes U+0120, a newline U+010A.

/// Returns the character that stands for a byte, in UTF-8.
std::string byte_character(std::uint8_t byte);

/// Converts bytes to the characters that stand for them.
std::string to_byte_alphabet(std::string_view bytes);

/// Appends the bytes that a token's characters stand for. A text with any other character is appended unchanged.
void append_from_byte_alphabet(std::string_view text, std::string& out);

}  // namespace pith::tokenizer
