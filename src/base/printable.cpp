#include "base/printable.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <iterator>

namespace pith {
namespace {

/// Returns the length in bytes of the printable character that the text begins with; 0 if there is none.
std::size_t printable_length(std::string_view text) {
  utf8proc_int32_t code_point = -1;
  const auto* data = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  const utf8proc_ssize_t length = utf8proc_iterate(data, static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  if (length <= 0) return 0;
  switch (utf8proc_category(code_point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return 0;
    default:
      return static_cast<std::size_t>(length);
  }
}

}  // namespace

std::string printable(std::string_view text, std::size_t characters_max) {
  std::string result;
  for (std::size_t count = 0; !text.empty(); ++count) {
    if (count == characters_max) return result + "…";
    const std::size_t length = printable_length(text);
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
