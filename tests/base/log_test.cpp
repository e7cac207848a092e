#include "base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pith {
namespace {

TEST(Log, LinesReachTheCallersSink) {
  std::vector<std::pair<LogLevel, std::string>> lines;
  const auto logger = make_logger([&](LogLevel level, std::string_view line) { lines.emplace_back(level, line); });
  logger->warn("{} is {}", "x", 3);
  logger->error("bad");
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].first, LogLevel::kWarning);
  EXPECT_EQ(lines[0].second, "x is 3");
  EXPECT_EQ(lines[1].first, LogLevel::kError);
}

TEST(Log, SilentByDefault) {
  const auto logger = make_logger({});
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  logger->error("nobody hears this");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace pith
