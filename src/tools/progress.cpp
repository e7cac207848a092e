#include "tools/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace pith::tools {
namespace {

/// Back to the line's beginning, and erase to its end.
constexpr std::string_view kErase = "\r\033[K";

}  // namespace

bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

void ProgressLine::show(std::string_view text) {
  if (!stderr_is_terminal()) return;
  fmt::print(stderr, "{}{}", kErase, text);
  shown_ = true;
}

void ProgressLine::clear() {
  if (shown_) fmt::print(stderr, "{}", kErase);
  shown_ = false;
}

}  // namespace pith::tools
