// Encodes texts by tokenizers of every kind and by vocabularies made from the input: tokens decode to the text again.
#include <pith/tokenizer.h>

#include <algorithm>
#include <array>
#include <vector>

#include "fuzz/fuzz.h"
#include "tokenizer/make_tokenizer.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocab_fixture.h"

namespace pith::fuzz {
namespace {

using test::VocabFixture;
using tokenizer::kSpaceMark;

/// One name for each set of patterns.
constexpr std::array<const char*, 29> kPre = {
    "default",    "gpt-2",        "smollm",         "llama-bpe",   "chatglm-bpe", "qwen2", "qwen35",     "tekken",
    "gpt-4o",     "deepseek-llm", "deepseek-coder", "deepseek-v3", "falcon",      "bloom", "viking",     "spark2_5",
    "afmoe",      "tiny_aya",     "superbpe",       "jais-2",      "minicpm5",    "youtu", "exaone-moe", "chameleon",
    "bailingmoe", "seed-coder",   "kimi-k2",        "laguna",      "none such"};
constexpr std::array<const char*, 6> kModels = {"gpt2", "llama", "gemma4", "bert", "t5", "whitespace"};

/// What of a text comes back when it is decoded.
enum class Back {
  kBytes,       ///< every byte
  kCharacters,  ///< invalid UTF-8 as U+FFFD
  kSpelling,    ///< so, and U+2581 as a space
  kLoses,       ///< spaces are added or removed, or some text has no tokens, or others
};

struct Fixture {
  Tokenizer tokenizer;
  Back back;
};

std::vector<Fixture> make_fixtures() {
  std::vector<Fixture> all;
  const nlohmann::json bpe = test::read_tokenizer_data("bpe.json");
  for (std::size_t i = 0; i + 1 < kPre.size(); ++i)
    all.push_back({test::trained_bpe(bpe, kPre[i]).make(), Back::kCharacters});
  const nlohmann::json spm = test::read_tokenizer_data("spm.json");
  for (const char* name : {"prefix", "bare", "tidy"}) {
    VocabFixture fixture = test::trained_spm(spm[name]);
    const bool tidy = std::string_view(name) == "tidy";
    fixture.rest.add_space_prefix = std::string_view(name) != "bare";
    fixture.rest.remove_extra_whitespaces = tidy;
    all.push_back({fixture.make(), tidy ? Back::kLoses : Back::kBytes});
  }
  const nlohmann::json characters = test::read_tokenizer_data("characters.json");
  all.push_back({test::trained_characters(characters).make(), Back::kSpelling});
  const nlohmann::json unigram = test::read_tokenizer_data("unigram.json");
  for (const char* name : {"tidy", "prefix", "bare"}) {
    all.push_back({test::trained_unigram(unigram, name).make(), Back::kLoses});
  }
  const nlohmann::json word_piece = test::read_tokenizer_data("word_piece.json");
  for (const char* name : {"uncased", "cased", "accents"}) {
    all.push_back({test::trained_word_piece(word_piece, name).make(), Back::kLoses});
  }
  return all;
}

std::string with_spaces(std::string_view text) {
  std::string out(text);
  for (std::size_t at = 0; (at = out.find(kSpaceMark, at)) != std::string::npos;)
    out.replace(at, kSpaceMark.size(), " ");
  return out;
}

void check_ids(const Tokenizer& tokenizer, const std::vector<Token>& tokens) {
  const auto known = [&](Token token) { return token >= 0 && token < tokenizer.vocab_size(); };
  require(std::ranges::all_of(tokens, known), "tokens are of the vocabulary");
}

/// Checks that the pieces of a stream of tokens join to the text of all tokens, made valid.
void check_stream(const Tokenizer& tokenizer, const std::vector<Token>& tokens) {
  StreamDecoder stream(tokenizer);
  std::string pieces;
  for (const Token token : tokens) {
    const std::string piece = stream.push(token);
    require(tokenizer::is_valid_utf8(piece), "a stream gives whole characters");
    pieces += piece;
  }
  pieces += stream.finish();
  const std::string whole = tokenizer.decode(tokens);
  if (tokenizer::is_valid_utf8(whole)) require(pieces == whole, "a stream gives the text");
}

void check_text(const Fixture& fixture, std::string_view text) {
  const Tokenizer& tokenizer = fixture.tokenizer;
  const std::vector<Token> plain = tokenizer.encode(text, test::plain());
  check_ids(tokenizer, plain);
  require(std::ranges::none_of(plain, [&](Token t) { return tokenizer.is_special(t); }) || fixture.back == Back::kLoses,
          "plain text becomes no special token");
  const std::size_t middle = text.size() / 2;
  const std::array<TextPart, 2> parts = {{{text.substr(0, middle), false}, {text.substr(middle), false}}};
  require(tokenizer.encode(parts, {.add_special = false}) == plain, "who wrote a text does not change its tokens");
  const std::string back = tokenizer.decode(plain);
  const std::string valid = tokenizer::replace_invalid_utf8(text);
  if (fixture.back == Back::kCharacters) require(back == valid, "byte-level BPE gives the text back");
  if (fixture.back == Back::kSpelling) require(back == with_spaces(valid), "BPE of characters gives the text back");
  if (fixture.back == Back::kBytes)
    require(with_spaces(back) == with_spaces(text), "byte fallback gives the text back");
  check_stream(tokenizer, plain);
  const std::vector<Token> marked = tokenizer.encode(text);
  check_ids(tokenizer, marked);
  check_stream(tokenizer, marked);
}

/// Reads a vocabulary from the input. Its texts must outlive what is made of it.
VocabFixture read_vocab(Input& input) {
  VocabFixture fixture;
  fixture.model = kModels[input.below(kModels.size())];
  fixture.pre = kPre[input.below(kPre.size())];
  const std::size_t options = input.below(256);
  if ((options & 1U) != 0) {
    const VocabFixture bytes = fixture.model == "gpt2" ? test::byte_level_fixture() : test::sentence_piece_fixture();
    fixture.tokens = bytes.tokens;
    fixture.rest.token_type = bytes.rest.token_type;
    if (fixture.model == "llama" || fixture.model == "t5") fixture.rest.scores = bytes.rest.scores;
    fixture.merges = bytes.merges;
  }
  const std::size_t more = input.below(64);
  for (std::size_t i = 0; i < more && !input.empty(); ++i) {
    const std::size_t type = input.below(9);
    const auto score = input.number<float>();
    fixture.add(std::string(input.text().substr(0, 64)), static_cast<tokenizer::TokenType>(type), score);
  }
  const std::size_t merges = input.below(32);
  for (std::size_t i = 0; i < merges && !fixture.tokens.empty(); ++i) {
    const std::string& left = fixture.tokens[input.below(256) % fixture.tokens.size()];
    const std::string& right = fixture.tokens[input.below(256) % fixture.tokens.size()];
    std::string merge;
    if (input.flag()) {
      merge.append(left).append(" ").append(right);
    } else {
      merge = input.text().substr(0, 64);
    }
    fixture.merges.push_back(merge);
  }
  if (fixture.model == "t5" && input.flag()) {
    static const nlohmann::json unigram = test::read_tokenizer_data("unigram.json");
    fixture.charsmap = unigram["tidy"]["charsmap"].get<std::vector<std::uint8_t>>();
    const std::size_t changes = input.below(8);
    for (std::size_t i = 0; i < changes; ++i) {
      const std::size_t at = input.number<std::uint16_t>() % fixture.charsmap.size();
      fixture.charsmap[at] = input.number<std::uint8_t>();
    }
    if (input.flag()) fixture.charsmap.resize(input.number<std::uint16_t>());
  }
  if (fixture.model == "bert") {
    fixture.rest.separator_token_id = input.below(8);
    fixture.rest.normalizer_lowercase = input.flag();
    fixture.rest.normalizer_strip_accents = input.flag();
  }
  if ((options & 2U) != 0) fixture.rest.bos_token_id = input.number<std::int16_t>();
  if ((options & 4U) != 0) fixture.rest.eos_token_id = input.number<std::int16_t>();
  if ((options & 8U) != 0) fixture.rest.unknown_token_id = input.number<std::int16_t>();
  if ((options & 16U) != 0) fixture.rest.add_bos_token = true;
  if ((options & 32U) != 0) fixture.rest.add_eos_token = true;
  if ((options & 64U) != 0) fixture.rest.remove_extra_whitespaces = true;
  if ((options & 128U) != 0) fixture.rest.name = "Phi-3 mini";
  return fixture;
}

void run_own(Input& input) {
  const VocabFixture fixture = read_vocab(input);
  refused([&] {
    const Tokenizer tokenizer = fixture.make();
    const std::string_view text = input.rest();
    for (const bool special : {false, true}) {
      const std::vector<Token> tokens = tokenizer.encode(text, {special, special});
      check_ids(tokenizer, tokens);
      tokenizer.decode(tokens, true);
      check_stream(tokenizer, tokens);
    }
  });
}

void run(Input input) {
  static const std::vector<Fixture> fixtures = make_fixtures();
  const std::size_t which = input.below(2 * fixtures.size());
  if (which < fixtures.size()) return check_text(fixtures[which], input.rest());
  run_own(input);
}

}  // namespace
}  // namespace pith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pith::fuzz::run({data, size});
  return 0;
}
