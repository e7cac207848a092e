#pragma once

#include <pith/options.h>
#include <spdlog/logger.h>

#include <memory>

namespace pith {

/// A logger that hands its lines to the caller's sink; silent (and nearly free) when the sink is empty. Owned by
/// whoever made it: nothing is registered globally.
std::shared_ptr<spdlog::logger> make_logger(LogSink sink);

}  // namespace pith
