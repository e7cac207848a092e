#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/null_sink.h>

#include <mutex>
#include <utility>

namespace pith {
namespace {

LogLevel from_spdlog(spdlog::level::level_enum level) noexcept {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return LogLevel::kDebug;
    case spdlog::level::warn:
      return LogLevel::kWarning;
    case spdlog::level::err:
    case spdlog::level::critical:
      return LogLevel::kError;
    default:
      return LogLevel::kInfo;
  }
}

class CallerSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit CallerSink(LogSink to) : to_(std::move(to)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    to_(from_spdlog(message.level), std::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}

 private:
  LogSink to_;
};

}  // namespace

std::shared_ptr<spdlog::logger> make_logger(LogSink sink) {
  if (!sink) {
    auto logger = std::make_shared<spdlog::logger>("pith", std::make_shared<spdlog::sinks::null_sink_mt>());
    logger->set_level(spdlog::level::off);
    return logger;
  }
  auto logger = std::make_shared<spdlog::logger>("pith", std::make_shared<CallerSink>(std::move(sink)));
  logger->set_level(spdlog::level::debug);
  return logger;
}

}  // namespace pith
