#pragma once

#include <pith/log.h>
#include <spdlog/logger.h>

#include <memory>

namespace pith {

/// Creates a logger that passes its lines to the caller's sink; an empty sink makes it silent and nearly free. The
/// caller owns the logger: nothing is registered globally.
std::shared_ptr<spdlog::logger> make_logger(LogSink sink);

}  // namespace pith
