#include <pith/pith.h>

#include <cstring>
#include <sstream>

#include "support/tiny_shapes.h"
#include "support/tiny_vocab.h"
#include "tools/tool.h"

// pith info, tokenize and logits: what the library says, in files and lines.
namespace pith::test {
namespace {

class Inspect : public ToolTest {
 protected:
  std::vector<float> read_floats(const std::string& path) const {
    const std::string bytes = read_file(path);
    EXPECT_EQ(bytes.size() % sizeof(float), 0U);
    std::vector<float> values(bytes.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data(), bytes.size());
    return values;
  }

  std::vector<float> logits(const Args& more) const {
    // Longer than any result: nothing of it may be left.
    const std::string out = write_text(folder_ / "logits.bin", std::string(1 << 20, 'x'));
    Args arguments = {"logits", "-m", model_, "--out", out};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(pith_output(arguments, "the cat sat"), "");
    return read_floats(out);
  }

  const Model loaded_ = Model::load(model_);
};

TEST_F(Inspect, InfoSaysWhatTheModelIs) {
  const json info = pith_json({"info", model_});
  const ModelInfo& expected = loaded_.info();
  EXPECT_EQ(info["name"], "random llama");
  EXPECT_EQ(info["architecture"], "llama");
  EXPECT_EQ(info["weight_type"], "F32");
  EXPECT_EQ(info["parameters"], expected.parameters);
  EXPECT_EQ(info["weight_bytes"], expected.weight_bytes);
  EXPECT_EQ(info["token_weight_bytes"], expected.token_weight_bytes);
  EXPECT_EQ(info["layer_parameters"], expected.layer_parameters);
  EXPECT_EQ(info["output_parameters"], expected.output_parameters);
  EXPECT_EQ(info["layers"], 2);
  EXPECT_EQ(info["embedding"], 64);
  EXPECT_EQ(info["heads"], 4);
  EXPECT_EQ(info["kv_heads"], 2);
  EXPECT_EQ(info["head_size"], 16);
  EXPECT_EQ(info["feed_forward"], 128);
  EXPECT_EQ(info["vocab"], expected.vocab);
  EXPECT_EQ(info["context_trained"], 4096);
  EXPECT_EQ(info["sliding_window"], 0);
  EXPECT_EQ(info["chat_format"], "chatml");
  EXPECT_EQ(info["bos"], 1);
  EXPECT_EQ(info["eos"], 2);

  const std::string text = pith_output({"info", "-m", model_});
  for (const auto& [key, value] : info.items()) EXPECT_NE(text.find(key), std::string::npos) << key;
  for (const auto& [name, value] : info["specification"].items()) {
    if (name == "layers") continue;
    EXPECT_NE(text.find("\n  " + name + " "), std::string::npos) << name;
  }
  EXPECT_NE(text.find("random llama\n"), std::string::npos) << text;
}

TEST_F(Inspect, InfoHasEveryPropertyOfTheSpecification) {
  const json specification = pith_json({"info", model_})["specification"];
  const std::vector<ModelProperty> expected = loaded_.specification();
  ASSERT_GT(expected.size(), 60U);
  for (const ModelProperty& property : expected) {
    json value;
    std::visit([&](const auto& any) { value = any; }, property.value);
    if (!property.name.starts_with("layers.")) {
      EXPECT_EQ(specification[property.name], value) << property.name;
      continue;
    }
    const int layer = std::stoi(property.name.substr(7));
    const std::string name = property.name.substr(property.name.find('.', 7) + 1);
    int found = 0;
    for (const json& group : specification["layers"]) {
      const std::vector<int> numbers = group["numbers"];
      if (std::count(numbers.begin(), numbers.end(), layer) == 0 || !group["properties"].contains(name)) continue;
      EXPECT_EQ(group["properties"][name], value) << property.name;
      ++found;
    }
    EXPECT_EQ(found, 1) << property.name;
  }
}

TEST_F(Inspect, InfoShowsWindowsByRangesOfLayers) {
  const std::string gemma = write_tiny_model(tiny_shape("gemma3", 4, 1, 32, 40), folder_, "gemma").string();
  const std::string text = pith_output({"info", gemma});
  const auto block = [&](const std::string& head) {
    const std::size_t from = text.find("\n" + head + "\n");
    EXPECT_NE(from, std::string::npos) << head << " in\n" << text;
    if (from == std::string::npos) return std::string();
    const std::size_t begin = from + head.size() + 2;
    const std::size_t end = text.find("\nlayer", begin);
    return text.substr(begin, end == std::string::npos ? end : end + 1 - begin);
  };
  EXPECT_EQ(block("layers 0-4, 6"),
            "  attention.window                 40\n"
            "  attention.rope                   1\n");
  EXPECT_EQ(block("layer 5"),
            "  attention.window                 0\n"
            "  attention.rope                   0\n");
  EXPECT_NE(block("layers 0-6").find("  attention.kv_heads               1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  ropes.1.pairs                    half-split\n"), std::string::npos) << text;
}

TEST_F(Inspect, TokenizeGivesTheTokenizersIds) {
  const Tokenizer& tokenizer = loaded_.tokenizer();
  const std::string texts[] = {"the cat and the hat\n", "<|im_start|>user\n\xC3\xA9<|im_end|>", "\xFF\xFE broken \xC3",
                               "", std::string("a\0b", 3)};
  for (const std::string& text : texts) {
    std::istringstream ids(pith_output({"tokenize", "-m", model_, "--ids"}, text));
    const std::vector<Token> tokens((std::istream_iterator<Token>(ids)), {});
    EXPECT_EQ(tokens, tokenizer.encode(text));

    std::istringstream plain(pith_output({"tokenize", "-m", model_, "--ids", "--no-special"}, text));
    const std::vector<Token> plain_tokens((std::istream_iterator<Token>(plain)), {});
    EXPECT_EQ(plain_tokens, tokenizer.encode(text, {.add_special = false, .parse_special = false}));
  }
}

TEST_F(Inspect, TokenizeNeedsNoWeights) {
  GgufWriter writer;
  add_tiny_vocab(writer);
  writer.add("general.architecture", "unheard-of");
  const auto path = folder_ / "vocab.gguf";
  writer.write(path);
  EXPECT_EQ(pith_output({"tokenize", "-m", path.string(), "--ids"}, "the cat"),
            pith_output({"tokenize", "-m", model_, "--ids"}, "the cat"));
}

TEST_F(Inspect, TokenizeShowsAPieceALine) {
  const std::string lines = pith_output({"tokenize", "-m", model_}, "<|im_start|> the\n\xC3\xA9");
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 5) << lines;
  for (const char* part : {"1 \"<|im_start|>\"\n", "\" the\"\n", "\"\\n\"\n", "\"\\xc3\"\n", "\"\\xa9\"\n"}) {
    EXPECT_NE(lines.find(part), std::string::npos) << part << " is not in\n" << lines;
  }
}

TEST_F(Inspect, LogitsAreTheSessions) {
  const std::string text = write_text(folder_ / "text.txt", "the cat sat");
  // To compare engines, the cache is exact unless asked for otherwise.
  Session session(loaded_, {.kv = {"f32"}});
  session.feed("the cat sat");
  const std::vector<float> expected(session.logits().begin(), session.logits().end());
  EXPECT_EQ(logits({"-f", text}), expected);
  EXPECT_EQ(logits({"-f", "-"}), expected);
  EXPECT_EQ(logits({"-f", text, "--threads", "2", "--ctx", "100"}), expected);
  EXPECT_NE(logits({"-f", text, "--kv", "f16"}), expected);
}

TEST_F(Inspect, LogitsOfIdsAndOfEveryToken) {
  const std::vector<Token> tokens = {5, 100, 1, 2, 37};
  const std::string ids = write_text(folder_ / "ids.txt", " 5\n100\t1 2\r\n37\n");
  Session session(loaded_, {.kv = {"f32"}});
  std::vector<float> expected;
  session.feed_logits(
      tokens, [&](int, std::span<const float> row) { expected.insert(expected.end(), row.begin(), row.end()); });
  EXPECT_EQ(logits({"-f", ids, "--ids", "--all"}), expected);
  EXPECT_EQ(logits({"-f", ids, "--ids"}), std::vector<float>(session.logits().begin(), session.logits().end()));
}

TEST_F(Inspect, LogitsWithOtherArithmeticAndCache) {
  const std::string text = write_text(folder_ / "text.txt", std::string(300, 'x'));
  Session session(Model::load(model_, {.arithmetic = Arithmetic::kF32}), {.kv = {.key = "int8", .value = "int4"}});
  session.feed(std::string(300, 'x'));
  const std::vector<float> expected(session.logits().begin(), session.logits().end());
  EXPECT_EQ(logits({"-f", text, "--arithmetic", "f32", "--kv-k", "int8", "--kv-v", "int4"}), expected);
  EXPECT_NE(logits({"-f", text, "--arithmetic", "f32", "--kv", "f32"}), expected);
}

}  // namespace
}  // namespace pith::test
