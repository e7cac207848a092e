#include "tokenizer/bpe.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tokenizer/utf8.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

using test::byte_level_fixture;
using test::plain;
using test::VocabFixture;
using Tokens = std::vector<Token>;

// bpe.json: a vocabulary trained by the library that the models were trained with, and that library's encodings.
TEST(Bpe, EncodesAsTheReferenceDoes) {
  const nlohmann::json data = test::read_tokenizer_data("bpe.json");
  const auto texts = data["texts"].get<std::vector<std::string>>();
  for (const auto& [name, ids] : data["ids"].items()) {
    const Tokenizer tokenizer = test::trained_bpe(data, name).make();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      EXPECT_EQ(tokenizer.encode(texts[i], plain()), ids[i].get<Tokens>()) << name << ": " << texts[i];
      EXPECT_EQ(tokenizer.decode(ids[i].get<Tokens>()), texts[i]) << name;
    }
  }
}

TEST(Bpe, MergesTheLowestRankFirstAndOfEqualsTheLeftmost) {
  VocabFixture fixture = byte_level_fixture();
  const Token ab = fixture.add("ab");
  const Token bc = fixture.add("bc");
  const Token aa = fixture.add("aa");
  const Token aaaa = fixture.add("aaaa");
  fixture.merges.insert(fixture.merges.end(), {"b c", "a b", "a a", "aa aa"});
  const Tokenizer tokenizer = fixture.make();
  EXPECT_EQ(tokenizer.encode("abc", plain()), (Tokens{'a', bc}));
  EXPECT_EQ(tokenizer.encode("abab", plain()), (Tokens{ab, ab}));
  EXPECT_EQ(tokenizer.encode("aaa", plain()), (Tokens{aa, 'a'}));
  EXPECT_EQ(tokenizer.encode("aaaaaaa", plain()), (Tokens{aaaa, aa, 'a'}));
}

TEST(Bpe, DoesNotMergeAcrossWords) {
  const Tokenizer tokenizer = byte_level_fixture().make();
  EXPECT_EQ(tokenizer.encode("the the", plain()), (Tokens{257, 258}));
  EXPECT_EQ(tokenizer.encode("t'h", plain()), (Tokens{'t', '\'', 'h'}));
}

TEST(Bpe, WholeWordsBeatMergesWhereTheNameSaysSo) {
  VocabFixture fixture = byte_level_fixture();
  const Token whole = fixture.add("hat");
  EXPECT_EQ(fixture.make().encode("hat", plain()), (Tokens{'h', 'a', 't'}));
  fixture.pre = "llama-bpe";
  EXPECT_EQ(fixture.make().encode("hat", plain()), Tokens{whole});
  // But plain text does not become a control token.
  fixture.rest.token_type.back() = static_cast<std::int64_t>(TokenType::kControl);
  EXPECT_EQ(fixture.make().encode("hat", plain()), (Tokens{'h', 'a', 't'}));
}

TEST(Bpe, TakesOffendingBytesAsReplacementCharacters) {
  const Tokenizer tokenizer = byte_level_fixture().make();
  EXPECT_EQ(tokenizer.encode("\xFFthe\xC3", plain()), (Tokens{0xEF, 0xBF, 0xBD, 257, 0xEF, 0xBF, 0xBD}));
}

TEST(Bpe, LeavesOutBytesThatTheVocabularyLacks) {
  VocabFixture fixture = byte_level_fixture();
  fixture.tokens[1] = "unrelated";
  EXPECT_EQ(fixture.make().encode("t\x01h", plain()), (Tokens{'t', 'h'})) << "and does not merge across the gap";
}

TEST(Bpe, FirstOfEqualMergesCounts) {
  VocabFixture fixture = byte_level_fixture();
  fixture.merges.insert(fixture.merges.begin(), "h e");
  fixture.add("he");
  fixture.merges.emplace_back("h e");
  EXPECT_EQ(fixture.make().encode("the", plain()), (Tokens{'t', 259}));
}

/// By the definition: repeatedly merges the pair with the lowest rank, the leftmost among equals.
Tokens merge_slowly(const std::string& word, const std::map<std::pair<Token, Token>, Merge>& merges) {
  Tokens tokens;
  for (const char c : word) tokens.push_back(static_cast<std::uint8_t>(c));
  while (true) {
    std::size_t best = tokens.size();
    std::int32_t rank = -1;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
      const auto merge = merges.find({tokens[i], tokens[i + 1]});
      if (merge == merges.end() || (rank >= 0 && merge->second.rank >= rank)) continue;
      best = i;
      rank = merge->second.rank;
    }
    if (rank < 0) return tokens;
    tokens[best] = merges.at({tokens[best], tokens[best + 1]}).merged;
    tokens.erase(tokens.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

RC_GTEST_PROP(Bpe, AgreesWithTheDefinition, ()) {
  // Merges random pairs of existing tokens over three letters.
  VocabFixture fixture = byte_level_fixture();
  fixture.merges.clear();
  std::vector<std::string> pieces = {"a", "b", "c"};
  std::map<std::pair<Token, Token>, Merge> merges;
  const int count = *rc::gen::inRange(1, 12);
  for (int i = 0; i < count; ++i) {
    const std::string left = *rc::gen::elementOf(pieces);
    const std::string right = *rc::gen::elementOf(pieces);
    const auto ids = std::vector<std::string>(fixture.tokens);
    const auto id = [&](const std::string& text) {
      for (std::size_t j = ids.size(); j-- > 0;) {
        if (ids[j] == text) return static_cast<Token>(j);
      }
      return Token{-1};
    };
    Token merged = id(left + right);
    if (merged < 0) {
      merged = fixture.add(left + right);
      pieces.push_back(left + right);
    }
    fixture.merges.push_back(std::string(left).append(" ").append(right));
    merges.insert({{id(left), id(right)}, {i, merged}});
  }
  const std::string text = *rc::gen::container<std::string>(rc::gen::element('a', 'b', 'c'));
  RC_ASSERT(fixture.make().encode(text, plain()) == merge_slowly(text, merges));
}

RC_GTEST_PROP(Bpe, DecodesWhatItEncoded, ()) {
  static const Tokenizer tokenizer = test::trained_bpe(test::read_tokenizer_data("bpe.json"), "qwen2").make();
  const auto bytes = *rc::gen::container<std::string>(rc::gen::arbitrary<char>());
  const std::string text = replace_invalid_utf8(bytes);
  RC_ASSERT(tokenizer.decode(tokenizer.encode(text, plain())) == text);
  RC_ASSERT(tokenizer.encode(bytes, plain()) == tokenizer.encode(text, plain()));
}

// characters.json: a vocabulary of characters and byte tokens, trained and encoded by the library of Gemma 4's
// tokenizer.
TEST(BpeOfCharacters, EncodesAndDecodesTheSame) {
  const nlohmann::json data = test::read_tokenizer_data("characters.json");
  const Tokenizer tokenizer = test::trained_characters(data).make();
  const auto texts = data["texts"].get<std::vector<std::string>>();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto ids = data["ids"][i].get<Tokens>();
    EXPECT_EQ(tokenizer.encode(texts[i], test::plain()), ids) << texts[i];
    // A literal U+2581 is a space to it.
    if (texts[i].find(kSpaceMark) != std::string::npos) continue;
    EXPECT_EQ(tokenizer.decode(ids), texts[i]);
  }
}

TEST(BpeOfCharacters, BeginsWithBosWhateverTheFileSays) {
  VocabFixture fixture = test::trained_characters(test::read_tokenizer_data("characters.json"));
  fixture.rest.add_bos_token = false;
  fixture.rest.add_space_prefix = true;
  EXPECT_EQ(fixture.make().encode("").front(), 1);
  EXPECT_EQ(fixture.make().decode(fixture.make().encode(" a")), " a") << "no space is put first";
  EXPECT_EQ(fixture.make().encode("\xFF", test::plain()), fixture.make().encode("\uFFFD", test::plain()));
}

TEST(BpeOfCharacters, WhiteSpaceMayGo) {
  VocabFixture fixture;
  fixture.model = "whitespace";
  for (const char* token : {"a", "b", "ab", "<0xC3>", "<0x84>", "ä"}) fixture.add(token);
  fixture.merges = {"a b"};
  EXPECT_EQ(fixture.make().encode(" ab\u3000\n a b", test::plain()), (Tokens{2, 0, 1}));
  EXPECT_EQ(fixture.make().encode("Ä", test::plain()), (Tokens{3, 4}));
  fixture.rest.normalizer_lowercase = true;
  EXPECT_EQ(fixture.make().encode("Ä AB", test::plain()), (Tokens{5, 2}));
}

}  // namespace
}  // namespace pith::tokenizer
