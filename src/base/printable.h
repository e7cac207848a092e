#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pith {

/// Makes text from a file fit for a one-line message: writes control characters and bytes that are not UTF-8 as \xNN,
/// and cuts the text with "…" after about `characters_max` characters.
std::string printable(std::string_view text, std::size_t characters_max = 80);

}  // namespace pith
