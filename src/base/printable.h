#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pith {

/// Text from a file, fit for a message of one line: control characters and bytes that are not UTF-8 as \xNN, and cut
/// with "…" after about `characters_max` characters.
std::string printable(std::string_view text, std::size_t characters_max = 80);

}  // namespace pith
