#pragma once

#include <pith/export.h>

#include <functional>
#include <string_view>

namespace pith::inline v0_1 {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Where log lines go. Called from the thread that logs; must be thread-safe when a model is shared by threads.
using LogSink = std::function<void(LogLevel level, std::string_view line)>;

}  // namespace pith::inline v0_1
