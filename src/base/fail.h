#pragma once

#include <fmt/format.h>
#include <pith/error.h>

#include <string_view>
#include <utility>

namespace pith {

/// Throws Error(kind). The message becomes one line of printable text of at most a few thousand characters, whatever a
/// file or a caller put into it.
[[noreturn]] void throw_error(ErrorKind kind, std::string_view message);

/// Throws Error(kind) with a formatted message.
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw_error(kind, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace pith
