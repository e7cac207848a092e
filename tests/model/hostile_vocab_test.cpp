#include <cmath>
#include <limits>

#include "model/hostile.h"

// Vocabularies and chat templates of files. tests/tokenizer has more of them, without files.
namespace pith::test {
namespace {

std::string repeated(std::string_view part, std::size_t bytes) {
  std::string text;
  while (text.size() + part.size() <= bytes) text.append(part);
  return text;
}

TEST(HostileVocabulary, LengthsThatDiffer) {
  const TinyModelSpec spm{.sentence_piece = true};
  const auto types = std::vector<std::int32_t>(7, 1);
  const auto scores = std::vector<float>(7, 1.0F);
  const auto set_types = [&](GgufWriter& w) {
    w.remove("tokenizer.ggml.token_type").add_array("tokenizer.ggml.token_type", types);
  };
  EXPECT_TRUE(refused({}, set_types, kFormat, {"tokenizer.ggml.token_type has 7 entries", "tokenizer.ggml.tokens"}));
  const auto set_scores = [&](GgufWriter& w) {
    w.remove("tokenizer.ggml.scores").add_array("tokenizer.ggml.scores", scores);
  };
  EXPECT_TRUE(refused(spm, set_scores, kFormat, {"tokenizer.ggml.scores has 7 entries", "tokenizer.ggml.tokens"}));
  // More tokens than the embedding has rows.
  for (const bool more : {true, false}) {
    const auto change = [&](GgufWriter& w) {
      auto& tensor = w.tensors[0];
      const std::size_t row = 64 * sizeof(float);
      tensor.dims[1] += more ? 1 : ~std::uint64_t{0};
      tensor.data.resize(tensor.dims[1] * row);
    };
    if (more) {
      expect_usable({}, change);
    } else {
      EXPECT_TRUE(refused({}, change, kFormat, {"tokenizer.ggml.tokens has", "token_embd.weight only"}));
    }
  }
}

TEST(HostileVocabulary, SpecialIdsOutOfRange) {
  const auto size = static_cast<std::uint32_t>(tiny_model_writer({}).tensors[0].dims[1]);
  for (const char* name : {"bos", "eos", "eot", "eom", "unknown", "padding", "seperator", "cls", "mask", "prefix",
                           "suffix", "middle", "fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep"}) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    const std::string limit = std::to_string(size) + " tokens";
    EXPECT_TRUE(refused({}, set_key(key, size), kFormat, {key + " is " + std::to_string(size), limit}));
    EXPECT_TRUE(refused({}, set_key(key, std::int32_t{-1}), kFormat, {key + " is -1", limit}));
    EXPECT_TRUE(refused({}, set_key(key, ~std::uint32_t{0}), kFormat, {key + " is 4294967295", limit}));
    EXPECT_TRUE(refused({}, set_key(key, ~std::uint64_t{0}), kFormat, {key, "18446744073709551615"}));
  }
}

TEST(HostileTemplateOfAFile, TooLong) {
  const std::string key = "tokenizer.chat_template";
  const std::size_t max = std::size_t{1} << 20;
  EXPECT_TRUE(
      refused({}, set_key(key, std::string(max + 1, 'x').c_str()), kFormat, {key + " has 1048577 bytes", "1048576"}));
  std::string braces;
  braces.resize(10'000'000, '{');
  EXPECT_TRUE(refused({}, set_key(key, braces.c_str()), kFormat, {key + " has 10000000 bytes"}));
}

TEST(HostileTemplateOfAFile, DeepNesting) {
  for (const char* part : {"{{ ((", "{% if ", "{%", "'", "{{''}}", "<|im_start|>", "[INST]"}) {
    expect_usable({}, set_key("tokenizer.chat_template", repeated(part, std::size_t{1} << 20).c_str()));
  }
}

TEST(HostileTemplateOfAFile, InvalidUtf8) {
  const std::string key = "tokenizer.chat_template";
  EXPECT_TRUE(refused({}, set_key(key, "<|im_start|>\xC3("), kFormat, {key, "\\xc3(", "byte 12", "UTF-8"}));
  EXPECT_TRUE(refused({}, set_key(key, "abc\xE2\x96"), kFormat, {key, "byte 3"}));
}

TEST(HostileVocabulary, ATokenizerAloneIsCheckedToo) {
  const TempDir folder;
  GgufWriter writer = tiny_model_writer({});
  writer.tensors.clear();
  writer.write(folder / "v.gguf");
  EXPECT_NO_THROW(Tokenizer::load(folder / "v.gguf"));
  set_key("tokenizer.ggml.bos_token_id", std::uint32_t{100000})(writer);
  writer.write(folder / "v.gguf");
  try {
    Tokenizer::load(folder / "v.gguf");
    ADD_FAILURE() << "it was loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kFormat);
    EXPECT_NE(std::string(error.what()).find("bos_token_id is 100000"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace pith::test
