#include "tokenizer/unicode.h"

#include <utf8proc.h>

namespace pith::tokenizer {
namespace {

utf8proc_category_t category(char32_t code) noexcept { return utf8proc_category(static_cast<utf8proc_int32_t>(code)); }

}  // namespace

bool is_white_space(char32_t code) noexcept {
  if (code < 0x100) return code == ' ' || (code >= '\t' && code <= '\r') || code == 0x85 || code == 0xA0;
  const utf8proc_category_t found = category(code);
  return found == UTF8PROC_CATEGORY_ZS || found == UTF8PROC_CATEGORY_ZL || found == UTF8PROC_CATEGORY_ZP;
}

bool is_other(char32_t code) noexcept {
  const utf8proc_category_t found = category(code);
  return found == UTF8PROC_CATEGORY_CN || (found >= UTF8PROC_CATEGORY_CC && found <= UTF8PROC_CATEGORY_CO);
}

bool is_accent(char32_t code) noexcept { return category(code) == UTF8PROC_CATEGORY_MN; }

bool is_punctuation(char32_t code) noexcept {
  const utf8proc_category_t found = category(code);
  return found >= UTF8PROC_CATEGORY_PC && found <= UTF8PROC_CATEGORY_PO;
}

char32_t lower_case(char32_t code) noexcept {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code)));
}

Decomposition decomposed(char32_t code) noexcept {
  Decomposition result;
  std::array<utf8proc_int32_t, 8> codes{};
  int boundary = UTF8PROC_BOUNDCLASS_START;
  const utf8proc_ssize_t size =
      utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), codes.data(), codes.size(),
                              static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE), &boundary);
  // The longest that Unicode has is of 4.
  if (size <= 0 || static_cast<std::size_t>(size) > codes.size()) {
    result.codes[0] = code;
    result.size = 1;
    return result;
  }
  result.size = static_cast<std::size_t>(size);
  for (std::size_t i = 0; i < result.size; ++i) result.codes[i] = static_cast<char32_t>(codes[i]);
  return result;
}

}  // namespace pith::tokenizer
