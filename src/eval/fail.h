#pragma once

#include <fmt/format.h>
#include <pith/error.h>

#include <string>
#include <string_view>
#include <utility>

// Failures of the command: what src/base/fail.h is for the library, which the command sees by its public headers only.
namespace pith::eval {

/// Text that may come from anywhere, fit for one line on a terminal: control characters, line separators and bytes that
/// are not UTF-8 as \xNN. Everything else stays as it is.
std::string visible(std::string_view text);

/// Throws Error(kind) with a formatted message, made visible().
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, visible(fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace pith::eval
