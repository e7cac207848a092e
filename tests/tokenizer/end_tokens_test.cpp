#include "tokenizer/end_tokens.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tokenizer/vocab_fixture.h"

namespace pith::tokenizer {
namespace {

using test::byte_level_fixture;
using test::VocabFixture;

bool ends(VocabFixture fixture, const std::string& name) {
  const Token token = fixture.add(name);
  const Tokenizer tokenizer = fixture.make();
  return tokenizer.is_end_of_generation(token) && tokenizer.is_special(token);
}

TEST(EndTokens, WellKnownNamesEndAndAreControlWhateverTheirType) {
  for (const char* name : {"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",
                           "</s>", "<|end_of_text|>", "<EOT>", "[EOS]", "<eos>", "<｜end▁of▁sentence｜>", "<|fim_pad|>",
                           "<|repo_name|>", "<|file_sep|>"}) {
    EXPECT_TRUE(ends(byte_level_fixture(), name)) << name;
  }
  for (const char* name : {"<|im_start|>", "</sss>", "endoftext", "<|fim_prefix|>", "eos"}) {
    EXPECT_FALSE(ends(byte_level_fixture(), name)) << name;
  }
}

TEST(EndTokens, StatedIdsEndToo) {
  VocabFixture fixture = byte_level_fixture();
  fixture.rest.eos_token_id = 10;
  fixture.rest.eot_token_id = 11;
  fixture.rest.eom_token_id = 12;
  fixture.rest.fim_pad_token_id = 13;
  fixture.rest.fim_rep_token_id = 14;
  fixture.rest.fim_sep_token_id = 15;
  const Token named = fixture.add("<|fim_pad|>");
  const Tokenizer tokenizer = fixture.make();
  for (Token token = 10; token <= 15; ++token) EXPECT_TRUE(tokenizer.is_end_of_generation(token)) << token;
  EXPECT_FALSE(tokenizer.is_end_of_generation(9));
  EXPECT_FALSE(tokenizer.is_end_of_generation(named)) << "a stated id goes before a name";
}

TEST(EndTokens, FillInTheMiddleMarksAreControl) {
  VocabFixture fixture = byte_level_fixture();
  const Token prefix = fixture.add("<fim_prefix>");
  const Tokenizer tokenizer = fixture.make();
  EXPECT_TRUE(tokenizer.is_special(prefix));
  EXPECT_FALSE(tokenizer.is_end_of_generation(prefix));
}

TEST(EndTokens, EndOfAChannelIsNotTheEndOfTheTurn) {
  VocabFixture fixture = byte_level_fixture();
  fixture.add("<|return|>");
  fixture.add("<|call|>");
  EXPECT_FALSE(ends(fixture, "<|end|>"));
}

TEST(EndTokens, IdsOutsideTheVocabularyAreNothing) {
  const Tokenizer tokenizer = byte_level_fixture().make();
  for (const Token token : {-1, 259, 2147483647}) {
    EXPECT_FALSE(tokenizer.is_end_of_generation(token));
    EXPECT_FALSE(tokenizer.is_special(token));
  }
}

}  // namespace
}  // namespace pith::tokenizer
