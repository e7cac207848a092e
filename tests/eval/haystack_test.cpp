#include "eval/haystack.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <fstream>
#include <set>

#include "support/tiny_model.h"

namespace pith::eval {
namespace {

/// Sentences of different lengths, numbered so that every position can be told.
std::string some_text(int sentences) {
  std::string text;
  for (int i = 0; i < sentences; ++i) {
    text += " The number is " + std::to_string(i);
    for (int j = 0; j < i % 5; ++j) text += " and so on";
    text += ".";
  }
  return text;
}

class HaystackTest : public testing::Test {
 protected:
  std::filesystem::path write_model(bool with_bos) const {
    test::GgufWriter writer = test::tiny_model_writer();
    if (with_bos) {
      writer.remove("tokenizer.ggml.add_bos_token").add("tokenizer.ggml.add_bos_token", true);
    }
    auto path = folder_ / (with_bos ? "bos.gguf" : "plain.gguf");
    writer.write(path);
    return path;
  }

  std::string decoded(const std::vector<Token>& tokens) const { return tokenizer_.decode(tokens); }

  const test::TempDir folder_;
  const Tokenizer tokenizer_ = Tokenizer::load(write_model(false));
  const std::string text_ = some_text(200);
  const Haystack haystack_{tokenizer_, text_};
};

void expect_refused(const Haystack& haystack, std::size_t length, double depth, const std::vector<std::string>& words) {
  try {
    haystack.prompt("12345", length, depth);
    FAIL() << length << " at " << depth;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    for (const std::string& word : words) {
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
}

TEST_F(HaystackTest, PromptsHaveTheirLength) {
  for (const std::size_t length : {120U, 121U, 500U, 1777U}) {
    for (const double depth : {0.0, 12.5, 50.0, 99.0, 100.0}) {
      const NeedlePrompt prompt = haystack_.prompt("48213", length, depth);
      EXPECT_EQ(prompt.tokens.size() + prompt.answer.size(), length) << depth;
    }
  }
}

TEST_F(HaystackTest, PromptIsTextNeedleTextQuestion) {
  const NeedleText needle;
  const NeedlePrompt prompt = haystack_.prompt("48213", 1000, 50);
  const std::string text = decoded(prompt.tokens);
  const std::string hidden = " The pass key is 48213. Remember it: 48213 is the pass key.";
  const std::size_t at = text.find(hidden);
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_EQ(decoded({prompt.tokens.begin(), prompt.tokens.begin() + static_cast<std::ptrdiff_t>(prompt.needle_at)}),
            text.substr(0, at));
  // The space before the digits is a token of its own here, so it belongs to the question.
  const std::string question = needle.question + " ";
  ASSERT_TRUE(text.ends_with(question));
  EXPECT_EQ(decoded(prompt.answer), "48213");
  EXPECT_EQ(prompt.answer.size(), 5U);
  std::string around = text.substr(0, at) + text.substr(at + hidden.size());
  around.resize(around.size() - question.size());
  EXPECT_TRUE(text_.starts_with(around));
}

TEST_F(HaystackTest, NeedleLiesAtTheNearestEndOfASentence) {
  const std::vector<Token> all = tokenizer_.encode(text_, {.add_special = false, .parse_special = false});
  const std::size_t size = haystack_.prompt("48213", 1500, 100).needle_at;
  for (const double depth : {10.0, 25.0, 50.0, 75.0, 93.0}) {
    const NeedlePrompt prompt = haystack_.prompt("48213", 1500, depth);
    const double target = static_cast<double>(size) * depth / 100;
    const auto distance = [&](std::size_t at) { return std::abs(static_cast<double>(at) - target); };
    EXPECT_TRUE(tokenizer_.piece(prompt.tokens[prompt.needle_at - 1]).ends_with('.'));
    EXPECT_LT(distance(prompt.needle_at), 40);
    EXPECT_NEAR(prompt.depth, 100 * static_cast<double>(prompt.needle_at) / static_cast<double>(size), 1);
    for (std::size_t at = 1; at <= size; ++at) {
      if (tokenizer_.piece(all[at - 1]).ends_with('.')) {
        EXPECT_GE(distance(at) + 1, distance(prompt.needle_at)) << depth;
      }
    }
  }
}

TEST_F(HaystackTest, TheEndsAreTheEnds) {
  EXPECT_EQ(haystack_.prompt("48213", 900, 0).needle_at, 0U);
  EXPECT_EQ(haystack_.prompt("48213", 900, 0).depth, 0);
  const NeedlePrompt last = haystack_.prompt("48213", 900, 100);
  EXPECT_EQ(last.depth, 100);
  EXPECT_TRUE(decoded(last.tokens).ends_with("is the pass key.\n\nWhat is the pass key? The pass key is "));
}

TEST_F(HaystackTest, TextWithoutSentences) {
  const Haystack haystack(tokenizer_, std::string(5000, 'x'));
  const NeedlePrompt prompt = haystack.prompt("48213", 2000, 50);
  EXPECT_NEAR(prompt.depth, 50, 0.1);
}

TEST_F(HaystackTest, LinesEndSentencesToo) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "some words\n";
  const NeedlePrompt prompt = Haystack(tokenizer_, text).prompt("48213", 1000, 33);
  EXPECT_EQ(tokenizer_.piece(prompt.tokens[prompt.needle_at - 1]), "\n");
}

TEST_F(HaystackTest, BeginsWithBosWhereTheModelWantsIt) {
  const Tokenizer tokenizer = Tokenizer::load(write_model(true));
  const NeedlePrompt prompt = Haystack(tokenizer, text_).prompt("48213", 800, 0);
  EXPECT_EQ(prompt.tokens.front(), tokenizer.bos());
  EXPECT_EQ(prompt.needle_at, 1U);
  EXPECT_EQ(prompt.tokens.size() + prompt.answer.size(), 800U);
}

TEST_F(HaystackTest, SpecialTokensInTheTextAreText) {
  const Haystack haystack(tokenizer_, "<|im_end|>" + text_);
  for (const Token token : haystack.tokens()) EXPECT_FALSE(tokenizer_.is_special(token));
}

TEST_F(HaystackTest, OtherWords) {
  const Haystack haystack(tokenizer_, text_, {.needle = " {}{}!", .question = " So?"});
  const std::string text = decoded(haystack.prompt("11111", 300, 50).tokens);
  EXPECT_NE(text.find(" 1111111111!"), std::string::npos);
  EXPECT_TRUE(text.ends_with(" So? "));
  expect_refused(Haystack(tokenizer_, text_, {.needle = "no place"}), 300, 50, {"no place", "{}"});
}

TEST_F(HaystackTest, RefusesWhatDoesNotFit) {
  const std::size_t tokens = haystack_.tokens().size();
  expect_refused(haystack_, tokens + 1000, 50,
                 {std::to_string(tokens) + " tokens", "length " + std::to_string(tokens + 1000)});
  expect_refused(haystack_, 20, 50, {"length 20"});
  expect_refused(haystack_, 500, -1, {"depth"});
  expect_refused(haystack_, 500, 100.5, {"depth"});
  EXPECT_THROW(haystack_.prompt("", 500, 50), Error);
  // The longest prompt that fits uses the whole text.
  const NeedlePrompt some = haystack_.prompt("12345", 500, 100);
  const std::size_t fixed = 500 - some.needle_at;
  EXPECT_EQ(haystack_.prompt("12345", tokens + fixed, 100).needle_at, tokens);
  expect_refused(haystack_, tokens + fixed + 1, 100, {"haystack"});
  EXPECT_EQ(haystack_.prompt("12345", fixed, 40).needle_at, 0U);
  expect_refused(haystack_, fixed - 1, 100, {std::to_string(fixed)});
}

TEST(Passkeys, AreTheSameEverywhere) {
  // The standard fixes mt19937_64: its ten-thousandth number from the default seed is 9981545732273789042.
  EXPECT_EQ(draw_passkey(5489, 9999), std::to_string(10000 + 9981545732273789042ULL % 90000));
  std::set<std::string> seen;
  for (std::size_t i = 0; i < 50; ++i) {
    const std::string key = draw_passkey(7, i);
    EXPECT_EQ(key.size(), 5U);
    EXPECT_EQ(key.find_first_not_of("0123456789"), std::string::npos);
    EXPECT_EQ(key, draw_passkey(7, i));
    seen.insert(key);
  }
  EXPECT_GT(seen.size(), 45U);
  EXPECT_NE(draw_passkey(7, 0), draw_passkey(8, 0));
}

TEST(ReadHaystack, FileOrFolder) {
  const test::TempDir folder;
  const auto write = [&](const char* name, const char* text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  };
  EXPECT_THROW(read_haystack(folder.path()), Error);
  write("b.txt", "second");
  write("a.txt", "first\n");
  write("c.md", "not this");
  write("d.txt", "");
  std::filesystem::create_directory(folder / "e.txt");
  EXPECT_EQ(read_haystack(folder.path()), "first\nsecond\n");
  EXPECT_EQ(read_haystack(folder / "b.txt"), "second");
  EXPECT_EQ(read_haystack(folder / "d.txt"), "");
  EXPECT_THROW(read_haystack(folder / "nowhere.txt"), Error);
}

}  // namespace
}  // namespace pith::eval
