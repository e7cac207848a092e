#include "tokenizer/pretokenizer.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "tokenizer/pretokenizer_table.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

using Words = std::vector<std::string>;
using Patterns = std::vector<std::string_view>;

Words split(const Patterns& patterns, std::string_view text, Jit jit = Jit::kIfPossible, std::uint32_t steps_max = 0) {
  Words words;
  for (const std::string_view word : PreTokenizer(patterns, jit, steps_max).split(text)) words.emplace_back(word);
  return words;
}

std::vector<std::size_t> sizes(const PreTokenizer& pre_tokenizer, const std::string& text) {
  std::vector<std::size_t> result;
  for (const std::string_view word : pre_tokenizer.split(text)) result.push_back(word.size());
  return result;
}

// words.json was written by the library that the models were trained with.
TEST(PreTokenizer, CutsAsTheModelsOwnTokenizersDo) {
  const nlohmann::json data = test::read_tokenizer_data("words.json");
  const auto texts = data["texts"].get<std::vector<std::string>>();
  ASSERT_GE(data["words"].size(), 18U);
  for (const auto& [name, words] : data["words"].items()) {
    const PreTokenizerRow* row = find_pre_tokenizer(name);
    ASSERT_NE(row, nullptr) << name;
    for (const Jit jit : {Jit::kIfPossible, Jit::kNever}) {
      const PreTokenizer pre_tokenizer(row->patterns, jit);
      for (std::size_t i = 0; i < texts.size(); ++i) {
        EXPECT_EQ(sizes(pre_tokenizer, texts[i]), words[i].get<std::vector<std::size_t>>()) << name << ": " << texts[i];
      }
    }
  }
}

TEST(PreTokenizer, KnowsItsNames) {
  EXPECT_EQ(find_pre_tokenizer("")->name, "default");
  EXPECT_EQ(find_pre_tokenizer("no such name"), nullptr);
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->ignore_merges);
  EXPECT_TRUE(find_pre_tokenizer("llama-bpe")->add_bos);
  EXPECT_FALSE(find_pre_tokenizer("qwen2")->ignore_merges);
  EXPECT_FALSE(find_pre_tokenizer("qwen2")->add_bos);
  const std::string names = pre_tokenizer_names();
  for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-llm", "deepseek-coder", "falcon",
                           "starcoder", "refact", "command-r", "mpt", "gpt-neox", "qwen35"}) {
    EXPECT_NE(find_pre_tokenizer(name), nullptr) << name;
    EXPECT_NE(names.find(name), std::string::npos) << name;
  }
}

TEST(PreTokenizer, AppliesPatternsOneAfterTheOther) {
  EXPECT_EQ(split({"b+"}, "abbcb"), (Words{"a", "bb", "c", "b"}));
  EXPECT_EQ(split({"b+", "[ac]b?"}, "abbcb"), (Words{"a", "bb", "c", "b"}))
      << "a later pattern sees one word at a time";
  EXPECT_EQ(split({}, "abc"), (Words{"abc"}));
  EXPECT_EQ(split({"x"}, ""), Words{});
  EXPECT_EQ(split({"x*"}, "axxb"), (Words{"a", "xx", "b"})) << "empty matches cut nothing";
}

TEST(PreTokenizer, SpaceIsExactlyWhiteSpace) {
  const std::string spaces = "\t\n\v\f\r \u0085\u00A0\u1680\u2000\u200A\u2028\u2029\u202F\u205F\u3000";
  EXPECT_EQ(split({R"(\s+)"}, "a" + spaces + "b"), (Words{"a", spaces, "b"}));
  for (const std::string other : {"\u180E", "\u200B", "\uFEFF", "\x1C", "\x1F"}) {
    EXPECT_EQ(split({R"(\s+)"}, "a" + other + "b").size(), 1U);
    EXPECT_EQ(split({R"([^\s]+)"}, " " + other), (Words{" ", other}));
    EXPECT_EQ(split({R"(\S+)"}, " " + other), (Words{" ", other}));
  }
}

TEST(PreTokenizer, SurvivesItsLimitsWithoutLosingText) {
  // Takes time exponential in the length of its subject.
  const Patterns bad = {"(a+)+$"};
  const std::string text = std::string(40, 'a') + "é" + std::string(5, 'a');
  for (const Jit jit : {Jit::kIfPossible, Jit::kNever}) {
    const Words words = split(bad, text, jit, 1000);
    std::string joined;
    for (const std::string& word : words) joined += word;
    EXPECT_EQ(joined, text);
    EXPECT_GT(words.size(), 1U);
  }
}

TEST(PreTokenizer, GivesUpInWindowsBeforeCharacters) {
  // Scanning a long run takes more steps than the limit, scanning a window of it fewer.
  const Patterns run = {"(?:x)*y|x+"};
  const std::string text(400'000, 'x');
  const Words words = split(run, text, Jit::kNever, 300'000);
  EXPECT_GT(words.size(), 1U);
  EXPECT_LT(words.size(), 10U);
}

TEST(PreTokenizer, WordsOfAnyTextAreTheText) {
  const nlohmann::json data = test::read_tokenizer_data("words.json");
  std::string all;
  for (const auto& text : data["texts"]) all += text.get<std::string>();
  for (const char* name : {"gpt-2", "qwen2", "deepseek-llm", "falcon", "default", "viking", "gpt-4o"}) {
    const PreTokenizer pre_tokenizer(find_pre_tokenizer(name)->patterns);
    std::string joined;
    for (const std::string_view word : pre_tokenizer.split(all)) {
      EXPECT_FALSE(word.empty());
      joined += word;
    }
    EXPECT_EQ(joined, all) << name;
  }
}

}  // namespace
}  // namespace pith::tokenizer
