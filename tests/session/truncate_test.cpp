#include <gtest/gtest.h>
#include <pith/pith.h>

#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// A truncated session is what it would have been, also where windows have moved on since.
namespace pith::test {
namespace {

class TruncatedWindow : public testing::TestWithParam<std::string> {
 protected:
  /// Feeds so many tokens, takes all but some back, and goes on beside a session that was never longer.
  void check(std::size_t fed, std::size_t left) const {
    SCOPED_TRACE(std::to_string(fed) + " to " + std::to_string(left));
    const SessionOptions options{.kv = {.key = GetParam()}, .context = 1024, .threads = 1};
    Session session(model_, options);
    session.feed(std::span(tokens_).first(fed));
    session.truncate(static_cast<int>(left));
    Session fresh(model_, options);
    fresh.feed(std::span(tokens_).first(left));
    for (int i = 0; i < 3; ++i) {
      EXPECT_TRUE(std::equal(session.logits().begin(), session.logits().end(), fresh.logits().begin()));
      EXPECT_EQ(session.kv_stats().bytes, fresh.kv_stats().bytes);
      session.feed(std::span(tokens_).subspan(600, 40));
      fresh.feed(std::span(tokens_).subspan(600, 40));
    }
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model(tiny_windows(), folder_));
  const std::vector<Token> tokens_ = random_tokens(model_, 800, 1);
};

TEST_P(TruncatedWindow, SinksThatLeftItAreThereAgain) {
  check(120, 110);
  check(127, 97);
}

TEST_P(TruncatedWindow, PagesThatLeftItAreThereAgain) {
  check(170, 150);
  check(191, 130);
  check(250, 200);
}

TEST_P(TruncatedWindow, OfAnyLength) {
  constexpr std::size_t kStep = PITH_SANITIZED != 0 ? 123 : 41;
  for (std::size_t fed = 65; fed < 400; fed += kStep) {
    for (std::size_t back = 1; back < 64; back += 9) check(fed, fed - back);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, TruncatedWindow, testing::Values("f16", "int8", "int4", "int2"),
                         [](const auto& test) { return test.param; });

}  // namespace
}  // namespace pith::test
