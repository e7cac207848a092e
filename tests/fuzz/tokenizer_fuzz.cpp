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
constexpr std::array<const char*, 16> kPre = {
    "default", "gpt-2",        "smollm",         "llama-bpe",   "chatglm-bpe", "qwen2", "qwen35", "tekken",
    "gpt-4o",  "deepseek-llm", "deepseek-coder", "deepseek-v3", "falcon",      "bloom", "viking", "none such"};

struct Fixture {
  Tokenizer tokenizer;
  bool bpe;
  /// Whether spaces are added or removed, or some text has no tokens.
  bool loses;
};

std::vector<Fixture> make_fixtures() {
  std::vector<Fixture> all;
  const nlohmann::json bpe = test::read_tokenizer_data("bpe.json");
  for (std::size_t i = 0; i + 1 < kPre.size(); ++i)
    all.push_back({test::trained_bpe(bpe, kPre[i]).make(), true, false});
  const nlohmann::json spm = test::read_tokenizer_data("spm.json");
  for (const char* name : {"prefix", "bare", "tidy"}) {
    VocabFixture fixture = test::trained_spm(spm[name]);
    const bool tidy = std::string_view(name) == "tidy";
    fixture.rest.add_space_prefix = std::string_view(name) != "bare";
    fixture.rest.remove_extra_whitespaces = tidy;
    all.push_back({fixture.make(), false, tidy});
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
  require(std::ranges::none_of(plain, [&](Token t) { return tokenizer.is_special(t); }) || fixture.loses,
          "plain text becomes no special token");
  const std::size_t middle = text.size() / 2;
  const std::array<TextPart, 2> parts = {{{text.substr(0, middle), false}, {text.substr(middle), false}}};
  require(tokenizer.encode(parts, {.add_special = false}) == plain, "who wrote a text does not change its tokens");
  const std::string back = tokenizer.decode(plain);
  if (fixture.bpe) {
    require(back == tokenizer::replace_invalid_utf8(text), "byte-level BPE gives the text back");
  } else if (!fixture.loses) {
    require(with_spaces(back) == with_spaces(text), "byte fallback gives the text back");
  }
  check_stream(tokenizer, plain);
  const std::vector<Token> marked = tokenizer.encode(text);
  check_ids(tokenizer, marked);
  check_stream(tokenizer, marked);
}

/// Reads a vocabulary from the input. Its texts must outlive what is made of it.
VocabFixture read_vocab(Input& input) {
  VocabFixture fixture;
  fixture.model = input.flag() ? "llama" : "gpt2";
  fixture.pre = kPre[input.below(kPre.size())];
  const std::size_t options = input.below(256);
  if ((options & 1U) != 0) {
    const VocabFixture bytes = fixture.model == "gpt2" ? test::byte_level_fixture() : test::sentence_piece_fixture();
    fixture.tokens = bytes.tokens;
    fixture.rest.token_type = bytes.rest.token_type;
    fixture.rest.scores = bytes.rest.scores;
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
