#include <csignal>

#include "support/mutations.h"
#include "tools/tool.h"

// Whatever goes wrong: exit status 1, nothing on standard output, one line on standard error that says what.
namespace pith::test {
namespace {

void expect_failure(const Outcome& outcome, const std::string& part) {
  EXPECT_EQ(outcome.status, 1) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("pith: error: ")) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with('\n'));
  EXPECT_NE(outcome.err.find(part), std::string::npos) << "no '" << part << "' in: " << outcome.err;
}

class Failure : public ToolTest {
 protected:
  Outcome run(const Args& more) const {
    Args arguments = {"run", "-m", model_, "-n", "2"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return pith(arguments);
  }
  /// Each subcommand with some model.
  std::vector<Args> with_model(const std::string& path) const {
    const std::string text = write_text(folder_ / "text.txt", "some text");
    const std::string out = (folder_ / "out.bin").string();
    return {{"run", "-m", path, "-p", "x"},
            {"run", "-m", path, "-p", "x", "--format", "json"},
            {"chat", "-m", path},
            {"info", path},
            {"tokenize", "-m", path},
            {"logits", "-m", path, "-f", text, "--out", out},
            {"eval", "perplexity", "-m", path, "--text", text}};
  }
};

TEST_F(Failure, MissingModel) {
  for (const Args& arguments : with_model("no-such-model.gguf")) {
    expect_failure(pith(arguments), "no-such-model.gguf");
  }
}

TEST_F(Failure, ModelIsAFolder) { expect_failure(pith({"info", folder_.path().string()}), folder_.path().string()); }

TEST_F(Failure, ModelIsSomethingElse) {
  const std::string text = write_text(folder_ / "text.gguf", "This is not a model, and long enough to have a header.");
  for (const Args& arguments : with_model(text)) expect_failure(pith(arguments), "text.gguf");
  expect_failure(pith({"info", write_text(folder_ / "empty.gguf", "")}), "empty.gguf");
}

TEST_F(Failure, TruncatedModel) {
  const std::uintmax_t whole = std::filesystem::file_size(model_);
  for (const std::uintmax_t eighth : {0U, 1U, 2U, 4U, 6U, 7U}) {
    const auto cut = folder_ / "cut.gguf";
    std::filesystem::copy_file(model_, cut, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut, 20 + whole * eighth / 8);
    expect_failure(pith({"run", "-m", cut.string(), "-p", "x"}), "cut.gguf");
  }
}

TEST_F(Failure, DamagedModelsOfEveryKind) {
  const GgufWriter sound = tiny_model_writer();
  const auto path = (folder_ / "damaged.gguf").string();
  std::size_t tried = 0;
  // One in a hundred: tests/model/mutations_test.cpp has them all.
  const Mutations mutations = all_mutations(sound);
  for (std::size_t i = 0; i < mutations.size(); i += PITH_SANITIZED != 0 ? 500 : 100) {
    const Mutation& mutation = mutations[i];
    if (!mutation.must_fail || mutation.name.starts_with("split.")) continue;
    GgufWriter writer = sound;
    if (mutation.change) mutation.change(writer);
    Bytes bytes = writer.bytes();
    if (mutation.damage) mutation.damage(bytes);
    test::write_file(path, bytes);
    SCOPED_TRACE(mutation.name);
    expect_failure(pith({"info", path}), "damaged.gguf");
    expect_failure(pith({"run", "-m", path, "-p", "x"}), "damaged.gguf");
    ++tried;
  }
  EXPECT_GT(tried, PITH_SANITIZED != 0 ? 2U : 10U);
}

TEST_F(Failure, NanInAWeight) {
  GgufWriter writer = tiny_model_writer();
  writer.tensors[0].data.assign(writer.tensors[0].data.size(), std::byte{0xFF});
  const auto path = folder_ / "nan.gguf";
  writer.write(path);
  for (const Args& arguments : with_model(path.string())) {
    if (arguments[0] != "tokenize") expect_failure(pith(arguments), "token_embd.weight");
  }
}

TEST_F(Failure, ANameSteersNoTerminal) {
  GgufWriter writer = tiny_model_writer();
  writer.remove("general.name").add("general.name", "a\x1b[2J\nb");
  const auto path = folder_ / "name.gguf";
  writer.write(path);
  const std::string out = pith_output({"info", path.string()});
  EXPECT_EQ(out.find('\x1b'), std::string::npos) << out;
  EXPECT_NE(out.find("a [2J b\n"), std::string::npos) << out;
  const std::string snapshot = (folder_ / "session.pith").string();
  pith_output({"snapshot", "save", "-m", path.string(), "--out", snapshot, "-p", "the cat"});
  const std::string info = pith_output({"snapshot", "info", snapshot});
  EXPECT_EQ(info.find('\x1b'), std::string::npos) << info;
  EXPECT_NE(info.find("a [2J b\n"), std::string::npos) << info;
}

TEST_F(Failure, UnknownWeightType) {
  GgufWriter writer = tiny_model_writer();
  writer.tensors[0].type = 999;
  const auto path = folder_ / "type.gguf";
  writer.write(path);
  expect_failure(pith({"run", "-m", path.string(), "-p", "x"}), "999");
}

TEST_F(Failure, UnknownArchitecture) {
  GgufWriter writer = tiny_model_writer();
  writer.remove("general.architecture").add("general.architecture", "tarot");
  const auto path = folder_ / "architecture.gguf";
  writer.write(path);
  expect_failure(pith({"run", "-m", path.string(), "-p", "x"}), "tarot");
}

TEST_F(Failure, UnknownKvType) {
  expect_failure(run({"-p", "x", "--kv", "int5"}), "int5");
  expect_failure(run({"-p", "x", "--kv-k", "q9"}), "q9");
  expect_failure(run({"-p", "x", "--kv-v", "tiny"}), "tiny");
}

TEST_F(Failure, PromptLongerThanTheContext) {
  const std::string prompt(100, 'x');
  expect_failure(run({"-p", prompt, "--ctx", "64"}), "64");
  const std::string file = write_text(folder_ / "long.txt", std::string(10000, 'x'));
  expect_failure(run({"-f", file}), "4096");
  expect_failure(pith({"logits", "-m", model_, "-f", file, "--out", (folder_ / "out.bin").string()}), "4096");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.bin"));
  expect_failure(pith({"chat", "-m", model_, "--ctx", "64"}, {.input = prompt + "\n"}), "64");
}

TEST_F(Failure, NothingToStartFrom) {
  expect_failure(run({"-p", ""}), "");
  const std::string empty = write_text(folder_ / "empty.txt", "");
  expect_failure(pith({"logits", "-m", model_, "-f", empty, "--out", (folder_ / "out.bin").string()}), "empty.txt");
}

TEST_F(Failure, MissingTexts) {
  expect_failure(run({"-f", "no-such-text.txt"}), "no-such-text.txt");
  expect_failure(run({"-f", folder_.path().string()}), folder_.path().string());
  expect_failure(pith({"eval", "perplexity", "-m", model_, "--text", "no-such-text.txt"}), "no-such-text.txt");
}

TEST_F(Failure, SamplingThatTheVocabularyRefuses) {
  expect_failure(run({"-p", "x", "--logit-bias", "99999=1"}), "99999");
  expect_failure(run({"-p", "x", "--stop", ""}), "stop string");
}

TEST_F(Failure, BadTokenIds) {
  const auto with_ids = [&](std::string_view ids) {
    const std::string file = write_text(folder_ / "ids.txt", ids);
    return pith({"logits", "-m", model_, "-f", file, "--ids", "--out", (folder_ / "out.bin").string()});
  };
  expect_failure(with_ids("5 6 seven"), "seven");
  expect_failure(with_ids("5 6x"), "6x");
  expect_failure(with_ids("99999999999999"), "99999999999999");
  expect_failure(with_ids("5 -1"), "-1");
  expect_failure(with_ids("5 99999"), "99999");
  expect_failure(with_ids(std::string("5 1\0\x1b[2J", 8)), "'1  [2J' at byte 2 is not a token id");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.bin"));
}

TEST_F(Failure, TextTooShortForPerplexity) {
  const std::string text = write_text(folder_ / "short.txt", "just a few words");
  const Outcome outcome =
      pith({"eval", "perplexity", "-m", model_, "--text", text, "--context", "64", "--chunks", "3"});
  expect_failure(outcome, "short.txt");
  EXPECT_NE(outcome.err.find("3 chunks of 64"), std::string::npos) << outcome.err;
}

TEST_F(Failure, NowhereToWrite) {
  const std::string text = write_text(folder_ / "text.txt", "some text");
  expect_failure(pith({"logits", "-m", model_, "-f", text, "--out", (folder_ / "no" / "where").string()}), "where");
  for (const Args& arguments : {Args{"info", model_}, Args{"run", "-m", model_, "-p", "x", "-n", "5"},
                                Args{"tokenize", "-m", model_, "--ids"}, Args{"chat", "-m", model_, "-n", "5"}}) {
    const Outcome outcome = pith(arguments, {.input = "text", .output_path = "/dev/full"});
    expect_failure(outcome, "standard output");
  }
}

TEST_F(Failure, IsOneLineWhateverTheNames) { expect_failure(pith({"info", "two\nlines.gguf"}), "two\\x0alines.gguf"); }

}  // namespace
}  // namespace pith::test
