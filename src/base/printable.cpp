#include "base/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <new>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

namespace pith {
namespace {

/// No character of UTF-8 is longer.
constexpr std::size_t kCharacterBytesMax = 4;

struct Free {
  void operator()(pcre2_code* code) const noexcept { pcre2_code_free(code); }
  void operator()(pcre2_match_data* match) const noexcept { pcre2_match_data_free(match); }
};

/// Matches one character that is neither a control character nor a separator of lines, and that Unicode has given out.
std::unique_ptr<pcre2_code, Free> compile_printable() {
  int error = 0;
  PCRE2_SIZE where = 0;
  std::unique_ptr<pcre2_code, Free> code(
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>("[^\\p{Cc}\\p{Cn}\\p{Zl}\\p{Zp}]"), PCRE2_ZERO_TERMINATED,
                    PCRE2_ANCHORED | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &where, nullptr));
  if (code == nullptr) throw std::bad_alloc();
  return code;
}

/// Finds the printable character that a text begins with.
class PrintableMatch {
 public:
  PrintableMatch() : match_(pcre2_match_data_create(1, nullptr)) {
    if (match_ == nullptr) throw std::bad_alloc();
  }

  /// Returns its bytes; 0 if there is none.
  std::size_t length(std::string_view text) const {
    static const std::unique_ptr<pcre2_code, Free> kPattern = compile_printable();
    const auto* data = reinterpret_cast<PCRE2_SPTR>(text.data());
    const PCRE2_SIZE bytes = std::min(text.size(), kCharacterBytesMax);
    if (pcre2_match(kPattern.get(), data, bytes, 0, 0, match_.get(), nullptr) <= 0) return 0;
    // Bytes that no character begins with are skipped in spite of the anchor.
    const PCRE2_SIZE* found = pcre2_get_ovector_pointer(match_.get());
    return found[0] == 0 ? found[1] : 0;
  }

 private:
  std::unique_ptr<pcre2_match_data, Free> match_;
};

}  // namespace

std::string printable(std::string_view text, std::size_t characters_max) {
  const PrintableMatch match;
  std::string result;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == characters_max) return result + "…";
    const std::size_t length = match.length(text);
    if (length == 0) {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return result;
}

}  // namespace pith
