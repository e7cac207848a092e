#pragma once

#include <pith/tokenizer.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/make_tokenizer.h"
#include "tokenizer/vocab.h"

namespace pith::test {

/// Reads a file under tests/data/tokenizer.
inline nlohmann::json read_tokenizer_data(const std::string& name) {
  std::ifstream file(std::string(PITH_TEST_DATA_DIR) + "/tokenizer/" + name);
  return nlohmann::json::parse(file);
}

/// A vocabulary that owns its texts; source() points into it.
struct VocabFixture {
  std::string model = "gpt2";
  std::string pre = "gpt-2";
  std::vector<std::string> tokens;
  std::vector<std::string> merges;
  std::vector<std::uint8_t> charsmap;
  /// Everything else.
  tokenizer::VocabSource rest;

  tokenizer::VocabSource source() const {
    tokenizer::VocabSource source = rest;
    source.file = "fixture.gguf";
    source.model = model;
    source.pre = pre;
    source.tokens.assign(tokens.begin(), tokens.end());
    source.merges.assign(merges.begin(), merges.end());
    source.precompiled_charsmap = std::as_bytes(std::span(charsmap));
    return source;
  }

  Tokenizer make() const { return tokenizer::make_tokenizer(source()); }

  Token add(std::string text, tokenizer::TokenType type = tokenizer::TokenType::kNormal, float score = 0) {
    tokens.push_back(std::move(text));
    rest.token_type.push_back(static_cast<std::int64_t>(type));
    if (model == "llama" || model == "t5") rest.scores.push_back(score);
    return static_cast<Token>(tokens.size()) - 1;
  }
};

/// All 256 bytes as tokens 0 to 255, and a few words made by merges: "the" and " the".
inline VocabFixture byte_level_fixture() {
  VocabFixture fixture;
  for (int byte = 0; byte < 256; ++byte) fixture.add(tokenizer::byte_character(static_cast<std::uint8_t>(byte)));
  fixture.add("th");
  fixture.add("the");
  fixture.add("Ġthe");
  fixture.merges = {"t h", "th e", "Ġ the"};
  return fixture;
}

/// <unk>, <s>, </s>, the 256 bytes as tokens 3 to 258, and a few pieces.
inline VocabFixture sentence_piece_fixture() {
  using tokenizer::TokenType;
  VocabFixture fixture;
  fixture.model = "llama";
  fixture.pre = "default";
  fixture.add("<unk>", TokenType::kUnknown);
  fixture.add("<s>", TokenType::kControl);
  fixture.add("</s>", TokenType::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    fixture.add(tokenizer::byte_token(static_cast<std::uint8_t>(byte)), TokenType::kByte);
  }
  float score = 0;
  for (const char* piece : {"he", "▁the", "th", "▁", "t", "h", "e"}) fixture.add(piece, TokenType::kNormal, score -= 1);
  return fixture;
}

/// Returns bpe.json as the tokenizer of a name.
inline VocabFixture trained_bpe(const nlohmann::json& data, std::string pre) {
  VocabFixture fixture;
  fixture.pre = std::move(pre);
  fixture.tokens = data["tokens"].get<std::vector<std::string>>();
  fixture.merges = data["merges"].get<std::vector<std::string>>();
  fixture.rest.token_type = data["types"].get<std::vector<std::int64_t>>();
  return fixture;
}

/// Returns one model of spm.json.
inline VocabFixture trained_spm(const nlohmann::json& model) {
  VocabFixture fixture;
  fixture.model = "llama";
  fixture.pre = "default";
  fixture.tokens = model["tokens"].get<std::vector<std::string>>();
  fixture.rest.token_type = model["types"].get<std::vector<std::int64_t>>();
  fixture.rest.scores = model["scores"].get<std::vector<float>>();
  return fixture;
}

/// Returns characters.json as Gemma 4's kind of tokenizer.
inline VocabFixture trained_characters(const nlohmann::json& data) {
  VocabFixture fixture = trained_bpe(data, "");
  fixture.model = "gemma4";
  fixture.rest.bos_token_id = 1;
  fixture.rest.unknown_token_id = 2;
  return fixture;
}

/// Returns one model of unigram.json; the name says how it treats spaces.
inline VocabFixture trained_unigram(const nlohmann::json& data, const std::string& name) {
  VocabFixture fixture = trained_spm(data[name]);
  fixture.model = "t5";
  fixture.charsmap = data[name]["charsmap"].get<std::vector<std::uint8_t>>();
  fixture.rest.add_space_prefix = name != "bare";
  fixture.rest.remove_extra_whitespaces = name == "tidy";
  return fixture;
}

/// Returns one model of word_piece.json; the name says how it normalizes.
inline VocabFixture trained_word_piece(const nlohmann::json& data, const std::string& name) {
  VocabFixture fixture;
  fixture.model = "bert";
  fixture.tokens = data[name]["tokens"].get<std::vector<std::string>>();
  fixture.rest.token_type = data[name]["types"].get<std::vector<std::int64_t>>();
  fixture.rest.unknown_token_id = 1;
  fixture.rest.bos_token_id = 2;
  fixture.rest.separator_token_id = 3;
  fixture.rest.normalizer_lowercase = name != "cased";
  fixture.rest.normalizer_strip_accents = name == "uncased";
  return fixture;
}

/// Options for plain text, as the reference libraries encode it.
inline EncodeOptions plain() {
  EncodeOptions options;
  options.add_special = false;
  options.parse_special = false;
  return options;
}

}  // namespace pith::test
