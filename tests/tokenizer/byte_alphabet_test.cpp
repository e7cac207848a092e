#include "tokenizer/byte_alphabet.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace pith::tokenizer {
namespace {

TEST(ByteAlphabet, SpellsBytesAsGpt2Does) {
  EXPECT_EQ(byte_character(' '), "Ġ");
  EXPECT_EQ(byte_character('\n'), "Ċ");
  EXPECT_EQ(byte_character('A'), "A");
  EXPECT_EQ(byte_character(0), "Ā");
  EXPECT_EQ(byte_character(0x7F), "ġ");
  EXPECT_EQ(byte_character(0xAD), "Ń");
  EXPECT_EQ(byte_character(0xFF), "ÿ");
  EXPECT_EQ(to_byte_alphabet(" é\n"), "ĠÃ©Ċ");
}

TEST(ByteAlphabet, GivesEveryByteACharacterOfItsOwnAndBack) {
  std::set<std::string> characters;
  for (int i = 0; i < 256; ++i) {
    const std::string character = byte_character(static_cast<std::uint8_t>(i));
    characters.insert(character);
    std::string byte;
    append_from_byte_alphabet(character, byte);
    EXPECT_EQ(byte, std::string(1, static_cast<char>(i)));
  }
  EXPECT_EQ(characters.size(), 256U);
}

TEST(ByteAlphabet, KeepsTextsOfOtherCharactersAsTheyAre) {
  for (const char* text : {"Ġ中", "a b", "\xFF", "▁x", "ń"}) {
    std::string out = "before ";
    append_from_byte_alphabet(text, out);
    EXPECT_EQ(out, std::string("before ") + text);
  }
}

}  // namespace
}  // namespace pith::tokenizer
