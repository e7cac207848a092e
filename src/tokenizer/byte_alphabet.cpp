#include "tokenizer/byte_alphabet.h"

#include <array>
#include <optional>

#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

constexpr std::size_t kCodes = 0x144;  // one past the highest character in use

constexpr bool stands_for_itself(std::uint32_t byte) noexcept {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

struct Alphabet {
  std::array<char32_t, 256> code_of{};
  std::array<std::int16_t, kCodes> byte_of{};
};

constexpr Alphabet make_alphabet() noexcept {
  Alphabet alphabet;
  for (auto& byte : alphabet.byte_of) byte = -1;
  char32_t next = 0x100;
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    const char32_t code = stands_for_itself(byte) ? byte : next++;
    alphabet.code_of[byte] = code;
    alphabet.byte_of[code] = static_cast<std::int16_t>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string byte_character(std::uint8_t byte) {
  std::string out;
  append_utf8(kAlphabet.code_of[byte], out);
  return out;
}

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const char byte : bytes) append_utf8(kAlphabet.code_of[static_cast<std::uint8_t>(byte)], out);
  return out;
}

void append_from_byte_alphabet(std::string_view text, std::string& out) {
  const std::size_t before = out.size();
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    const bool known = scan.state == Utf8Scan::State::kWhole && scan.code < kCodes && kAlphabet.byte_of[scan.code] >= 0;
    if (!known) {
      out.resize(before);
      out.append(text);
      return;
    }
    out.push_back(static_cast<char>(static_cast<std::uint8_t>(kAlphabet.byte_of[scan.code])));
    at += scan.size;
  }
}

}  // namespace pith::tokenizer
