#include "tokenizer/utf8.h"

namespace pith::tokenizer {
namespace {

struct Lead {
  std::uint8_t size;  // 0: no character begins with this byte
  std::uint8_t low;   // bounds of the second byte
  std::uint8_t high;
};

constexpr Lead lead_of(std::uint8_t byte) noexcept {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Utf8Scan scan_utf8(std::string_view text, std::size_t at) noexcept {
  const auto byte_at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[at + i]); };
  const std::uint8_t first = byte_at(0);
  const Lead lead = lead_of(first);
  if (lead.size == 0) return {0, 1, Utf8Scan::State::kInvalid};
  if (lead.size == 1) return {first, 1, Utf8Scan::State::kWhole};
  char32_t code = first & (0x7FU >> lead.size);
  for (std::uint8_t i = 1; i < lead.size; ++i) {
    if (at + i == text.size()) return {0, i, Utf8Scan::State::kIncomplete};
    const std::uint8_t next = byte_at(i);
    const std::uint8_t low = i == 1 ? lead.low : 0x80;
    const std::uint8_t high = i == 1 ? lead.high : 0xBF;
    if (next < low || next > high) return {0, i, Utf8Scan::State::kInvalid};
    code = (code << 6) | (next & 0x3FU);
  }
  return {code, lead.size, Utf8Scan::State::kWhole};
}

std::size_t valid_utf8_bytes(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const Utf8Scan scan = scan_utf8(text, at);
    if (scan.state != Utf8Scan::State::kWhole) break;
    at += scan.size;
  }
  return at;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Scan scan = scan_utf8(text, at);
    if (scan.state == Utf8Scan::State::kWhole) {
      out.append(text.substr(at, scan.size));
    } else {
      for (std::uint8_t i = 0; i < scan.size; ++i) out.append(kReplacement);
    }
    at += scan.size;
  }
  return out;
}

void append_utf8(char32_t code, std::string& out) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<std::uint8_t>(byte))); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | (code >> 6));
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | (code >> 12));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | (code >> 18));
    put(0x80 | ((code >> 12) & 0x3F));
    put(0x80 | ((code >> 6) & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

}  // namespace pith::tokenizer
