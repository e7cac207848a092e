#include <gtest/gtest.h>
#include <pith/machine.h>
#include <unistd.h>

#include <string>

#include "kernels/select.h"
#include "support/refusal.h"

namespace pith {
namespace {

/// The smallest options that run.
constexpr LimitOptions kShort = {.threads = 2, .read_bytes = std::size_t{1} << 21, .seconds = 1e-3};

TEST(Limits, SayWhatWasMeasured) {
  const MachineLimits limits = measure_limits(kShort);
  EXPECT_EQ(limits.instruction_set, kernels::select_kernels().name);
  EXPECT_EQ(limits.threads, 2);
  EXPECT_EQ(limits.read_bytes, std::size_t{1} << 21);
  EXPECT_GT(limits.read_bytes_per_second, 0);
  EXPECT_GT(limits.int8_ops_per_second, 0);
  EXPECT_GT(measure_read(kShort), 0);
}

TEST(Limits, AnySizeIsReadInWholeSteps) {
  LimitOptions options = kShort;
  options.read_bytes = 1234567;
  EXPECT_EQ(measure_limits(options).read_bytes, 1234567U / 512 * 512);
}

TEST(UsableMemory, IsAtMostTheMachines) {
  EXPECT_GT(usable_memory(), 0U);
  const auto pages = static_cast<std::uint64_t>(sysconf(_SC_PHYS_PAGES));
  EXPECT_LE(usable_memory(), pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
}

TEST(Limits, OptionsOutOfRange) {
  const auto message = [](const LimitOptions& options) {
    return test::refusal(ErrorKind::kInvalidArgument, [&] { measure_limits(options); });
  };
  EXPECT_NE(message({.threads = -1}).find("-1"), std::string::npos);
  EXPECT_NE(message({.read_bytes = 100}).find("read_bytes is 100"), std::string::npos);
  EXPECT_NE(message({.seconds = 0}).find("seconds is 0"), std::string::npos);
}

}  // namespace
}  // namespace pith
