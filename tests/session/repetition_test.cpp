#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/tokenizer.h>

#include "session/sampler_inputs.h"
#include "support/tiny_model.h"

// Stages that look at the history, each against its definition.
namespace pith::test {
namespace {

constexpr int kFewTokens = 5;

Logits changed_logits(const stages::Stage& stage, const Logits& logits, const Tokens& history) {
  Applied applied(stage, logits, history);
  Logits result;
  for (Token token = 0; token < static_cast<Token>(logits.size()); ++token)
    result.push_back(applied.candidates.logit(token));
  return result;
}

RC_GTEST_PROP(NoRepeatNgram, BansWhatWouldRepeat, ()) {
  const Tokens history = *some_history(kFewTokens);
  const auto length = static_cast<std::size_t>(*rc::gen::inRange(0, 5));
  std::set<Tokens> seen;
  for (std::size_t i = 0; length != 0 && i + length <= history.size(); ++i) {
    seen.emplace(history.begin() + static_cast<std::ptrdiff_t>(i),
                 history.begin() + static_cast<std::ptrdiff_t>(i + length));
  }
  const Logits after =
      changed_logits(stages::no_repeat_ngram(static_cast<int>(length)), Logits(kFewTokens, 1.0F), history);
  for (Token token = 0; token < kFewTokens; ++token) {
    Tokens longer = history;
    longer.push_back(token);
    const bool long_enough = longer.size() >= length;
    const bool banned = length != 0 && long_enough &&
                        seen.contains(Tokens(longer.end() - static_cast<std::ptrdiff_t>(length), longer.end()));
    RC_ASSERT(after[static_cast<std::size_t>(token)] == (banned ? kBanned : 1.0F));
  }
}

struct DryCase {
  float multiplier;
  float base;
  int allowed_length;
  int window;
  TokenSequences breakers;
};

bool ends_in_breaker(std::span<const Token> tokens, const TokenSequences& breakers) {
  return std::any_of(breakers.begin(), breakers.end(), [&](const Tokens& breaker) {
    return breaker.size() <= tokens.size() && std::equal(breaker.rbegin(), breaker.rend(), tokens.rbegin());
  });
}

/// The definition, place by place.
Logits dry_by_definition(Logits logits, const DryCase& dry, std::span<const Token> history) {
  if (dry.window >= 0) history = history.last(std::min(history.size(), static_cast<std::size_t>(dry.window)));
  std::map<Token, std::size_t> longest;
  for (std::size_t i = 0; i + 1 < history.size(); ++i) {
    std::size_t length = 0;
    while (length <= i && history[i - length] == history[history.size() - 1 - length] &&
           !ends_in_breaker(history.first(history.size() - length), dry.breakers)) {
      ++length;
    }
    const Token next = history[i + 1];
    longest[next] = std::max(longest[next], length);
  }
  for (const auto& [token, length] : longest) {
    const auto is_token = [only = Tokens{token}](const Tokens& breaker) { return breaker == only; };
    if (length < static_cast<std::size_t>(dry.allowed_length)) continue;
    if (std::any_of(dry.breakers.begin(), dry.breakers.end(), is_token)) continue;
    logits[static_cast<std::size_t>(token)] -=
        dry.multiplier * std::pow(dry.base, static_cast<float>(length - static_cast<std::size_t>(dry.allowed_length)));
  }
  return logits;
}

RC_GTEST_PROP(Dry, PenalizesByItsDefinition, ()) {
  DryCase dry{};
  dry.multiplier = static_cast<float>(*rc::gen::inRange(0, 20)) * 0.25F;
  dry.base = *rc::gen::element(1.0F, 1.5F, 2.0F);
  dry.allowed_length = *rc::gen::inRange(1, 4);
  dry.window = *rc::gen::inRange(-1, 30);
  dry.breakers = *rc::gen::container<TokenSequences>(
      rc::gen::nonEmpty(rc::gen::container<Tokens>(rc::gen::inRange(0, kFewTokens))));
  if (*rc::gen::arbitrary<bool>()) dry.breakers.clear();
  // A short piece over and over, with something else in between.
  Tokens history = *some_history(kFewTokens);
  const Tokens piece = *some_history(kFewTokens);
  for (int i = 0; i < 3; ++i) history.insert(history.end(), piece.begin(), piece.end());
  const Logits logits = {0.0F, 1.0F, -2.0F, 3.5F, 0.25F};
  const Logits expected = dry_by_definition(logits, dry, history);
  const auto stage = stages::dry(dry.multiplier, dry.base, dry.allowed_length, dry.window, dry.breakers);
  const Logits after = changed_logits(stage, logits, history);
  for (std::size_t i = 0; i < logits.size(); ++i)
    RC_ASSERT(std::abs(after[i] - expected[i]) <= 1e-5F * (1.0F + std::abs(expected[i])));
}

TEST(Dry, PenaltiesStayFinite) {
  const Tokens history(5000, 1);
  const Logits after = changed_logits(stages::dry(1.0F, 1.75F, 2, -1, {}), {0.0F, 0.0F, 0.0F}, history);
  EXPECT_EQ(after[0], 0.0F);
  EXPECT_EQ(after[1], -std::numeric_limits<float>::max());
}

RC_GTEST_PROP(Penalties, AreTheSameOnAList, ()) {
  const Logits logits = *some_logits();
  const Tokens history = *some_history(static_cast<int>(logits.size()) + 2);
  const auto stage = stages::penalties(1.3F, 0.25F, 0.5F, *rc::gen::inRange(-1, 9));
  const Logits expected = changed_logits(stage, logits, history);
  for (const bool sorted : {false, true}) {
    Candidates candidates(logits);
    candidates.keep_if([](const Candidate& candidate) { return candidate.token % 3 != 0 || candidate.logit > 0.0F; });
    RC_PRE(candidates.size() != 0U);
    if (sorted) candidates.sort_by([](const Candidate& a, const Candidate& b) { return a.token > b.token; });
    Rng rng(0);
    stage->clone()->apply(candidates, {history, rng});
    for (const Candidate& c : candidates.list()) RC_ASSERT(c.logit == expected[static_cast<std::size_t>(c.token)]);
  }
}

TEST(Repetition, TokensOutsideTheVocabularyHaveNoEffect) {
  const Tokens history = {7, -1, 7, -1, 7, 1000000};
  const Logits logits(3, 1.0F);
  for (const auto& stage :
       {stages::penalties(2.0F, 1.0F, 1.0F, -1), stages::dry(1.0F, 1.75F, 1, -1, {}), stages::no_repeat_ngram(1)}) {
    EXPECT_EQ(changed_logits(stage, logits, history), logits) << stage->name();
  }
}

class DryBreakers : public testing::Test {
 protected:
  std::string text_of(const Tokens& tokens) const { return tokenizer_.decode(tokens, true); }

  const TempDir folder_;
  const Tokenizer tokenizer_ = Tokenizer::load(write_tiny_model({}, folder_));
};

TEST_F(DryBreakers, AreAllWaysToWriteTheTexts) {
  const std::vector<std::string> texts = {"a", "the "};
  const TokenSequences ways = dry_breakers(tokenizer_, texts);
  std::set<Token> single;
  for (const Tokens& way : ways) {
    const std::string text = text_of(way);
    EXPECT_TRUE(text.find('a') != std::string::npos || text.find("the ") != std::string::npos) << text;
    if (way.size() == 1) single.insert(way.front());
  }
  for (Token token = 0; token < tokenizer_.vocab_size(); ++token) {
    const bool has = tokenizer_.piece(token, true).find('a') != std::string::npos;
    EXPECT_TRUE(!has || single.contains(token)) << token;
  }
  EXPECT_GT(ways.size(), single.size());
  EXPECT_TRUE(std::is_sorted(ways.begin(), ways.end()));
}

TEST_F(DryBreakers, TheUsualOnesEndARepetition) {
  const TokenSequences usual = dry_breakers(tokenizer_);
  const Tokens newline = tokenizer_.encode("\n", {.add_special = false});
  ASSERT_EQ(newline.size(), 1U);
  EXPECT_TRUE(std::binary_search(usual.begin(), usual.end(), newline));
  EXPECT_THROW(dry_breakers(tokenizer_, {"x", ""}), Error);
  EXPECT_TRUE(dry_breakers(tokenizer_, {}).empty());
}

}  // namespace
}  // namespace pith::test
