#include <gtest/gtest.h>
#include <pith/pith.h>

#include <memory>
#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

// Sessions of models with recurrent layers, whose states hold the past of their last token alone.
namespace pith::test {
namespace {

class Recurrent : public testing::TestWithParam<std::string> {
 protected:
  std::span<const Token> tokens(std::size_t first, std::size_t end) const {
    return std::span(tokens_).subspan(first, end - first);
  }

  /// Returns the logits after these tokens in a session that has done nothing else.
  std::vector<float> alone(std::span<const Token> first, std::span<const Token> then = {}) const {
    Session session(model_, options_);
    session.feed(first);
    session.feed(then);
    return logits_of(session);
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model(spec(), folder_), {.threads = 1});
  const std::vector<Token> tokens_ = random_tokens(model_, 600, 1);
  const SessionOptions options_ = with_marks("int4");

 private:
  static TinyModelSpec spec() {
    TinyModelSpec spec;
    spec.architecture = GetParam();
    spec.layers = 4;
    spec.tied_output = false;
    return spec;
  }
};

TEST_P(Recurrent, StatesAreCountedAndDoNotGrow) {
  Session session(model_, options_);
  EXPECT_EQ(session.kv_stats().state_bytes, 0U);
  session.feed(tokens(0, 10));
  const KvStats few = session.kv_stats();
  EXPECT_GT(few.state_bytes, 0U);
  session.feed(tokens(10, 300));
  const KvStats many = session.kv_stats();
  EXPECT_EQ(many.state_bytes, few.state_bytes);
  EXPECT_EQ(many.bytes, many.sealed_bytes + many.exact_bytes + many.state_bytes);
  EXPECT_EQ(predict_kv(model_, options_.kv, 300).state_bytes, many.state_bytes);
}

TEST_P(Recurrent, GoesBackToMarksWithoutComputing) {
  Session session(model_, options_);
  session.feed(tokens(0, 130));
  session.mark();
  const std::vector<float> then = logits_of(session);
  const std::uint64_t before = session.kv_stats().mark_bytes;
  session.feed(tokens(130, 400));
  EXPECT_GE(session.kv_stats().mark_bytes, before + session.kv_stats().state_bytes) << "a mark holds states of its own";
  EXPECT_EQ(session.truncate(130), 0);
  EXPECT_EQ(logits_of(session), then);
  session.feed(tokens(400, 450));
  EXPECT_EQ(logits_of(session), alone(tokens(0, 130), tokens(400, 450)));
}

TEST_P(Recurrent, GoesBackToAnyTokenFromTheMarkBefore) {
  SessionOptions options = options_;
  options.mark_every = 64;
  Session session(model_, options);
  session.feed(tokens(0, 500));
  EXPECT_LE(session.truncate(333), 64);
  session.feed(tokens(500, 520));
  EXPECT_EQ(logits_of(session), alone(tokens(0, 333), tokens(500, 520)));
}

TEST_P(Recurrent, ForksDoNotSeeEachOther) {
  Session session(model_, options_);
  session.feed(tokens(0, 100));
  Session fork = session.fork();
  fork.feed(tokens(200, 260));
  session.feed(tokens(100, 160));
  EXPECT_EQ(logits_of(session), alone(tokens(0, 160)));
}

TEST_P(Recurrent, AStoreOfPrefixesKeepsStates) {
  SessionOptions options = options_;
  options.prefix_store = std::make_shared<PrefixStore>(PrefixStoreOptions{folder_ / "store", 1U << 30U, {}});
  Session session(model_, options);
  session.feed(tokens(0, 300));
  session.mark();
  Session other(model_, options);
  other.feed(tokens(0, 350));
  EXPECT_EQ(other.shared_tokens(), 256);
  EXPECT_EQ(logits_of(other), alone(tokens(0, 350)));
}

TEST_P(Recurrent, SharedPrefixesEndWhereASessionStood) {
  SessionOptions options = options_;
  options.share_prefixes = true;
  Session session(model_, options);
  session.feed(tokens(0, 300));
  Session other(model_, options);
  other.feed(tokens(0, 300));
  EXPECT_EQ(logits_of(other), alone(tokens(0, 300)));
  EXPECT_EQ(other.shared_tokens(), 256);
}

TEST_P(Recurrent, GuessesChangeNothing) {
  SessionOptions options = options_;
  Session session(model_, options);
  Session other(model_, options);
  std::vector<Token> prompt(tokens_.begin(), tokens_.begin() + 90);
  prompt.insert(prompt.end(), tokens_.begin(), tokens_.begin() + 60);
  GenerateOptions generate{.tokens_max = 30};
  const Generation plain = session.generate(prompt, generate);
  generate.lookup_tokens = 4;
  EXPECT_EQ(other.generate(prompt, generate).tokens, plain.tokens);
}

TEST_P(Recurrent, RefusesWhatAStateCannotDo) {
  Session session(model_, options_);
  session.feed(tokens(0, 200));
  try {
    session.drop(10, 20);
    FAIL() << "a state cannot forget";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
  }
  Session document = session.fork();
  EXPECT_THROW(session.append(document), Error);
  SessionOptions by_layer = options_;
  by_layer.kv.layers[0] = {.key = "int8"};
  try {
    const Session refused(model_, by_layer);
    FAIL() << "layer 0 has no attention";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
  }
}

INSTANTIATE_TEST_SUITE_P(Architectures, Recurrent,
                         testing::Values("lfm2", "granitehybrid", "qwen35", "qwen3next", "nemotron_h", "mamba2"),
                         [](const auto& tested) { return tested.param; });

}  // namespace
}  // namespace pith::test
