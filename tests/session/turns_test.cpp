#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// However a session came to hold its tokens, it is what one pass over them makes.
namespace pith::test {
namespace {

constexpr int kTurns = PITH_SANITIZED != 0 ? 40 : 200;
constexpr int kTokensMax = 1200;

/// A session that fares as those of long conversations do, and the tokens that it should hold.
class Wanderer {
 public:
  Wanderer(const Model& model, const SessionOptions& options, const std::filesystem::path& file)
      : model_(model), options_(options), file_(file), session_(model, options) {}

  void turn() {
    switch (below(8)) {
      case 0:
        return go_back(static_cast<int>(below(tokens_.size() + 1)));
      case 1:
        return go_back(std::max(0, session_.position() - static_cast<int>(below(200))));
      case 2:
        return edit();
      case 3:
        return session_.mark();
      case 4:
        return fork();
      case 5:
        session_.save(file_);
        session_ = Session::restore(model_, file_, {.threads = 1});
        return;
      case 6:
        for (int i = 0; i < 5; ++i) {
          if (!tokens_.empty()) tokens_.push_back(session_.step());
        }
        return;
      default:
        return feed(1 + below(200));
    }
  }

  void expect_one_pass() const {
    Session fresh(model_, options_);
    fresh.feed(tokens_);
    ASSERT_TRUE(std::ranges::equal(session_.tokens(), tokens_));
    if (tokens_.empty()) return;
    EXPECT_EQ(logits_of(session_), logits_of(fresh));
    EXPECT_EQ(session_.kv_stats().bytes, fresh.kv_stats().bytes);
  }

 private:
  std::size_t below(std::size_t end) { return engine_() % end; }
  void feed(std::size_t count) {
    if (session_.position() > kTokensMax) go_back(kTokensMax / 2);
    const std::vector<Token> more = random_tokens(model_, count, static_cast<unsigned>(engine_()));
    session_.feed(more);
    tokens_.insert(tokens_.end(), more.begin(), more.end());
  }
  void go_back(int tokens) {
    session_.truncate(tokens);
    tokens_.resize(static_cast<std::size_t>(tokens));
  }
  void edit() {
    const std::vector<int> marks = session_.marks();
    if (!marks.empty()) go_back(marks[below(marks.size())]);
    feed(1 + below(100));
  }
  /// The other one goes on elsewhere, and ends.
  void fork() {
    Session other = session_.fork();
    if (below(2) == 0) std::swap(other, session_);
    other.feed(random_tokens(model_, 1 + below(150), 3));
    other.truncate(static_cast<int>(below(static_cast<std::size_t>(other.position()))));
  }

  const Model& model_;
  SessionOptions options_;
  std::filesystem::path file_;
  std::mt19937 engine_{1};
  Session session_;
  std::vector<Token> tokens_;
};

class Turns : public testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(Turns, MakeWhatOnePassMakes) {
  const auto& [codec, kind] = GetParam();
  const TempDir folder;
  const bool windows = std::string(kind) == "windows";
  const Model model = Model::load(write_tiny_model(windows ? tiny_windows() : TinyModelSpec{}, folder));
  SessionOptions options;
  options.kv.key = codec;
  options.threads = 1;
  if (std::string(kind) == "policy") {
    options.eviction.policy = "window";
    options.eviction.budget_tokens = 320;
  }
  Wanderer wanderer(model, options, folder / "session");
  for (int turn = 1; turn <= kTurns; ++turn) {
    wanderer.turn();
    if (turn % 20 == 0) wanderer.expect_one_pass();
    if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "after turn " << turn;
  }
}

using TurnsCase = std::tuple<const char*, const char*>;
INSTANTIATE_TEST_SUITE_P(, Turns,
                         testing::Values(TurnsCase{"int4", "global"}, TurnsCase{"int8", "windows"},
                                         TurnsCase{"int2", "windows"}, TurnsCase{"f16", "global"},
                                         TurnsCase{"int4", "policy"}),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param)) + "_" + std::get<1>(test.param);
                         });

}  // namespace
}  // namespace pith::test
