// The same tokens and logits, bit for bit, from 1, 2, 3 and 4 threads, however the prompt is cut, after a restore, and
// again: with every codec and with every policy.
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

struct Outcome {
  std::vector<Token> drawn;
  std::vector<float> logits;
  bool operator==(const Outcome&) const = default;
};

const SamplingOptions kDrawing{.temperature = 4.0F, .top_k = 40, .top_p = 0.95F, .seed = 11};

class Repeats : public testing::TestWithParam<std::string> {
 protected:
  std::vector<Token> prompt() const { return random_tokens(model_, 330, 7); }

  static Outcome go_on(Session& session, int steps) {
    Outcome outcome;
    for (int i = 0; i < steps; ++i) outcome.drawn.push_back(session.step());
    outcome.logits = logits_of(session);
    return outcome;
  }

  /// `piece` tokens at once; 0: all.
  Outcome run(const SessionOptions& options, std::size_t piece) const {
    Session session(model_, options);
    const std::vector<Token> tokens = prompt();
    for (std::size_t i = 0; i < tokens.size();) {
      const std::size_t count = std::min(piece == 0 ? tokens.size() : piece, tokens.size() - i);
      session.feed(std::span(tokens).subspan(i, count));
      i += count;
    }
    session.set_sampling(kDrawing);
    return go_on(session, 40);
  }

  Outcome restored(const SessionOptions& options) const {
    Session session(model_, options);
    session.feed(prompt());
    session.set_sampling(kDrawing);
    Outcome outcome = go_on(session, 20);
    session.save(folder_ / "half.pith");
    Session second = Session::restore(model_, folder_ / "half.pith", {.threads = 3});
    const Outcome rest = go_on(second, 20);
    outcome.drawn.insert(outcome.drawn.end(), rest.drawn.begin(), rest.drawn.end());
    outcome.logits = rest.logits;
    return outcome;
  }

  void expect_repeats(const SessionOptions& options) const {
    const Outcome expected = run(options, 0);
    EXPECT_EQ(run(options, 0), expected) << "again";
    for (const int threads : {2, 3, 4}) {
      if (PITH_SANITIZED != 0 && threads == 4) continue;
      SessionOptions other = options;
      other.threads = threads;
      EXPECT_EQ(run(other, 0), expected) << threads << " threads";
    }
    for (const std::size_t piece : {1U, 7U, 64U, 100U}) {
      if (PITH_SANITIZED != 0 && piece != 7) continue;
      SessionOptions other = options;
      other.threads = 2;
      other.batch_tokens = 90;
      EXPECT_EQ(run(other, piece), expected) << "pieces of " << piece;
    }
    EXPECT_EQ(restored(options), expected) << "restored";
  }

  const TempDir folder_;
  const Model model_ = Model::load(write_tiny_model({}, folder_));
};

class CodecRepeats : public Repeats {};
TEST_P(CodecRepeats, WhateverTheThreadsAndPieces) { expect_repeats({.kv = {GetParam()}, .threads = 1}); }

class PolicyRepeats : public Repeats {};
TEST_P(PolicyRepeats, WhateverTheThreadsAndPieces) {
  // Works by compact() alone.
  if (GetParam() == "kvzip") GTEST_SKIP() << "kvzip evicts by compact() alone";
  expect_repeats({.kv = {"int4"}, .threads = 1, .eviction = {.policy = GetParam(), .budget_tokens = 256}});
}

std::string as_test_name(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '-' || c == '.'; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, CodecRepeats, testing::ValuesIn(builtin_codecs()),
                         [](const auto& test) { return as_test_name(test.param); });
INSTANTIATE_TEST_SUITE_P(All, PolicyRepeats, testing::ValuesIn(builtin_policies()),
                         [](const auto& test) { return as_test_name(test.param); });

}  // namespace
}  // namespace pith::test
