#include <gtest/gtest.h>
#include <pith/error.h>
#include <pith/tokenizer.h>

#include <string>
#include <thread>
#include <vector>

#include "tokenizer/vocab_fixture.h"

namespace pith {
namespace {

using test::byte_level_fixture;
using test::plain;
using test::sentence_piece_fixture;
using test::VocabFixture;
using tokenizer::TokenType;
using Tokens = std::vector<Token>;

/// byte_level_fixture() with <|a|> 259, a control token, and <u> 260, a user-defined one.
VocabFixture with_specials() {
  VocabFixture fixture = byte_level_fixture();
  fixture.add("<|a|>", TokenType::kControl);
  fixture.add("<u>", TokenType::kUserDefined);
  return fixture;
}

EncodeOptions options(bool add_special, bool parse_special) {
  EncodeOptions options;
  options.add_special = add_special;
  options.parse_special = parse_special;
  return options;
}

TEST(Tokenizer, ParsesControlTokensByChoiceAndUserDefinedOnesAlways) {
  const Tokenizer tokenizer = with_specials().make();
  EXPECT_EQ(tokenizer.encode("<|a|>the<u>", options(false, true)), (Tokens{259, 257, 260}));
  EXPECT_EQ(tokenizer.encode("<|a|>the<u>", options(false, false)), (Tokens{'<', '|', 'a', '|', '>', 257, 260}));
}

TEST(Tokenizer, CutsWordsAtSpecialTokens) {
  const Tokenizer tokenizer = with_specials().make();
  EXPECT_EQ(tokenizer.encode("t<u>he", plain()), (Tokens{'t', 260, 'h', 'e'}));
}

TEST(Tokenizer, AddsBosAndEosAsTheFileSays) {
  VocabFixture fixture = with_specials();
  fixture.rest.bos_token_id = 259;
  fixture.rest.eos_token_id = 260;
  EXPECT_EQ(fixture.make().encode("the"), Tokens{257});
  fixture.rest.add_bos_token = true;
  fixture.rest.add_eos_token = true;
  EXPECT_EQ(fixture.make().encode("the"), (Tokens{259, 257, 260}));
  EXPECT_EQ(fixture.make().encode(""), (Tokens{259, 260}));
  EXPECT_EQ(fixture.make().encode("the", options(false, true)), Tokens{257});
  fixture.rest.bos_token_id.reset();
  EXPECT_EQ(fixture.make().encode("the"), (Tokens{257, 260})) << "there is no BOS to add";
}

TEST(Tokenizer, AddsBosByDefaultWhereTheFamilyDoes) {
  VocabFixture fixture = with_specials();
  fixture.rest.bos_token_id = 259;
  fixture.pre = "llama-bpe";
  EXPECT_EQ(fixture.make().encode("the"), (Tokens{259, 257}));
  fixture.rest.add_bos_token = false;
  EXPECT_EQ(fixture.make().encode("the"), Tokens{257});
  EXPECT_EQ(sentence_piece_fixture().make().encode("t"), (Tokens{1, 262, 263}));
}

TEST(Tokenizer, DecodesSpecialTokensByChoice) {
  const Tokenizer tokenizer = with_specials().make();
  const Tokens tokens = {259, 257, 260, 258};
  EXPECT_EQ(tokenizer.decode(tokens), "the<u> the");
  EXPECT_EQ(tokenizer.decode(tokens, true), "<|a|>the<u> the");
  EXPECT_EQ(tokenizer.decode(Tokens{}), "");
}

TEST(Tokenizer, DropsTheSpaceThatWasPutBeforeTheText) {
  const Tokenizer tokenizer = sentence_piece_fixture().make();
  EXPECT_EQ(tokenizer.decode(Tokens{260, 260}), "the the");
  EXPECT_EQ(tokenizer.decode(Tokens{1, 260, 260}), "the the");
  EXPECT_EQ(tokenizer.decode(Tokens{1, 260}, true), "<s> the");
  EXPECT_EQ(tokenizer.decode(Tokens{262, 262, 263}), " t");
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(" the")), " the");
  EXPECT_EQ(tokenizer.piece(260), " the");
  VocabFixture bare = sentence_piece_fixture();
  bare.rest.add_space_prefix = false;
  EXPECT_EQ(bare.make().decode(Tokens{260}), " the");
}

TEST(Tokenizer, RefusesIdsOutsideTheVocabulary) {
  const Tokenizer tokenizer = byte_level_fixture().make();
  for (const Token token : {-1, 259, -2147483647}) {
    for (const bool special : {false, true}) {
      EXPECT_THROW(tokenizer.piece(token, special), Error);
      EXPECT_THROW(tokenizer.decode(Tokens{257, token}, special), Error);
    }
  }
  try {
    tokenizer.piece(300);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInvalidArgument);
    EXPECT_STREQ(error.what(), "token 300 is not in the vocabulary of 259 tokens");
  }
}

TEST(Tokenizer, FindsTokensBySpelling) {
  const Tokenizer tokenizer = with_specials().make();
  EXPECT_EQ(tokenizer.find("<|a|>"), 259);
  EXPECT_EQ(tokenizer.find("Ġthe"), 258);
  EXPECT_EQ(tokenizer.find(" the"), -1);
  EXPECT_EQ(tokenizer.vocab_size(), 261);
  EXPECT_TRUE(tokenizer.is_special(259));
  EXPECT_FALSE(tokenizer.is_special(260));
}

TEST(Tokenizer, Phi3TokensTakeTheSpaceAfterThem) {
  VocabFixture fixture = with_specials();
  const Token end = fixture.add("<|endoftext|>", TokenType::kControl);
  EXPECT_EQ(fixture.make().encode("<|a|> \nthe<u>  the"), (Tokens{259, ' ', '\n', 257, 260, ' ', 258}));
  fixture.rest.name = "Some Phi-3 Mini";
  EXPECT_EQ(fixture.make().encode("<|a|> \nthe<u>  the"), (Tokens{259, 257, 260, 257}));
  EXPECT_EQ(fixture.make().encode("<|endoftext|> the"), (Tokens{end, 258})) << "but not this one";
}

TEST(Tokenizer, IsUsableFromSeveralThreads) {
  const nlohmann::json data = test::read_tokenizer_data("bpe.json");
  const Tokenizer tokenizer = test::trained_bpe(data, "qwen2").make();
  const auto texts = data["texts"].get<std::vector<std::string>>();
  const auto expected = data["ids"]["qwen2"].get<std::vector<Tokens>>();
  std::vector<std::vector<Tokens>> got(4);
  std::vector<std::thread> threads;
  threads.reserve(got.size());
  for (auto& mine : got) {
    threads.emplace_back([&] {
      for (const std::string& text : texts) mine.push_back(tokenizer.encode(text, plain()));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : got) EXPECT_EQ(mine, expected);
}

}  // namespace
}  // namespace pith
