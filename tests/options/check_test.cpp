#include "options/check.h"

#include <gtest/gtest.h>

#include <string>

#include "options/all_options.h"
#include "support/refusal.h"

// Every range of every table, at both of its ends.
namespace pith::options {
namespace {

TEST(Check, EveryRangeIsEnforcedAtBothEnds) {
  int refused = 0;
  test::for_each_struct([&]<typename Struct>(const Struct& defaults) {
    test::for_each_number<Struct>([&](const auto& row) {
      const auto ends = test::ends_of(row.range);
      for (const auto value : ends.inside) {
        Struct changed = defaults;
        changed.*(row.member) = value;
        EXPECT_NO_THROW(checked(changed)) << row.name << " " << value;
      }
      for (const auto value : ends.outside) {
        Struct changed = defaults;
        changed.*(row.member) = value;
        const std::string message = test::refusal(ErrorKind::kInvalidArgument, [&] { checked(changed); });
        EXPECT_EQ(message, fmt::format("{} is {}, {}", row.name, value, requirement(row.range)));
        ++refused;
      }
    });
  });
  EXPECT_GT(refused, 80);
}

TEST(Check, AValueByItsMember) {
  EXPECT_EQ(checked<&SamplingOptions::top_k>(7), 7);
  test::expect_error(ErrorKind::kInvalidArgument, "top_k is -1, must be at least 0",
                     [] { checked<&SamplingOptions::top_k>(-1); });
}

TEST(Check, TheOwnerStandsInFront) {
  test::expect_error(ErrorKind::kInvalidArgument, "chat: reserve is -1, must be at least 0",
                     [] { checked(ChatOptions{.reserve = -1}, "chat: "); });
}

TEST(Check, TheFirstOfSeveralIsNamed) {
  test::expect_error(ErrorKind::kInvalidArgument, "context is -1",
                     [] { checked(SessionOptions{.context = -1, .batch_tokens = 0}); });
}

TEST(Check, NestedOptionsAreForWhoeverTakesThem) {
  EXPECT_NO_THROW(checked(SessionOptions{.kv = {.read_share = 7.0}}));
}

}  // namespace
}  // namespace pith::options
