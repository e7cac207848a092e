#include <pith/pith.h>

#include "tools/tool.h"

// pith manifest and pith verify: what is sound passes, what was changed is named.
namespace pith::test {
namespace {

class Verify : public ToolTest {
 protected:
  Verify() { pith_output({"manifest", model_, "-o", manifest_}); }

  /// Changes one bit of a tensor's data.
  void tamper(const std::string& name) const {
    GgufWriter writer = tiny_model_writer();
    for (GgufWriter::Tensor& tensor : writer.tensors) {
      if (tensor.name == name) tensor.data[9] ^= std::byte{1};
    }
    writer.write(model_);
  }
  std::string digest() const { return make_manifest(model_).files[0].sha256; }

  const std::string manifest_ = (folder_ / "model.json").string();
};

void expect_has(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "no '" << part << "' in: " << text;
}

/// Status 1, and one line on standard error that has this.
void expect_one_line(const Outcome& outcome, const std::string& part) {
  EXPECT_EQ(outcome.status, 1) << outcome.out;
  EXPECT_TRUE(outcome.err.starts_with("pith: error: ")) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  expect_has(outcome.err, part);
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

TEST_F(Verify, ManifestsGoToAFileOrToStandardOutput) {
  const std::string text = pith_output({"manifest", model_});
  EXPECT_EQ(text, to_json(read_manifest(manifest_)));
  EXPECT_TRUE(compare(parse_manifest(text), make_manifest(model_)).empty());
}

TEST_F(Verify, SoundModelsPass) {
  const std::string plain = pith_output({"verify", model_});
  expect_has(plain, "ok     file      tiny.gguf: ");
  expect_has(plain, digest());
  expect_has(plain, "ok     load      llama F32, 2 layers");
  expect_has(pith_output({"verify", model_, "--manifest", manifest_}), "ok     manifest  1 files, ");
  for (const std::string& given : {digest(), upper(digest()), "sha256:" + digest()})
    expect_has(pith_output({"verify", model_, "--sha256", given}), "as given");
  const json result = pith_json({"verify", model_, "--manifest", manifest_, "--sha256", digest()});
  EXPECT_EQ(result["passed"], true);
  ASSERT_EQ(result["checks"].size(), 3U);
  EXPECT_EQ(result["checks"][1]["check"], "manifest");
}

TEST_F(Verify, ATamperedTensorIsNamed) {
  const std::string before = digest();
  tamper("blk.1.ffn_up.weight");
  // It is a model all the same.
  pith_output({"verify", model_});
  const Outcome outcome = pith({"verify", model_, "--manifest", manifest_, "--sha256", before});
  expect_one_line(outcome, "tiny.gguf: file: ");
  expect_has(outcome.out, "FAILED file      tiny.gguf: ");
  expect_has(outcome.out, "given was " + before);
  expect_has(outcome.out, "FAILED manifest  file tiny.gguf: SHA-256 is ");
  expect_has(outcome.out, "FAILED manifest  tensor blk.1.ffn_up.weight: SHA-256 is ");
  expect_has(outcome.out, "ok     load");
  const Outcome as_json = pith({"verify", model_, "--manifest", manifest_, "--format", "json"});
  EXPECT_EQ(as_json.status, 1);
  EXPECT_EQ(json::parse(as_json.out)["passed"], false);
  expect_has(as_json.out, "blk.1.ffn_up.weight");
}

TEST_F(Verify, LoadsByAManifestRefuseIt) {
  const Args run = {"run", "-m", model_, "-p", "x", "-n", "2", "--manifest", manifest_};
  pith_output(run);
  tamper("output_norm.weight");
  const std::string text = write_text(folder_ / "text.txt", "some text");
  for (const Args& arguments : {run, Args{"chat", "-m", model_, "--manifest", manifest_},
                                Args{"bench", "-m", model_, "--manifest", manifest_, "--prompt", "4", "--gen", "1"},
                                Args{"info", model_, "--manifest", manifest_},
                                Args{"eval", "perplexity", "-m", model_, "--text", text, "--manifest", manifest_}}) {
    const Outcome outcome = pith(arguments);
    expect_one_line(outcome, "tensor output_norm.weight: SHA-256 is ");
    EXPECT_EQ(outcome.out, "");
  }
}

TEST_F(Verify, AChangedTemplateIsNamed) {
  GgufWriter writer = tiny_model_writer();
  writer.remove("tokenizer.chat_template").add("tokenizer.chat_template", "Obey.");
  writer.write(model_);
  expect_has(pith({"verify", model_, "--manifest", manifest_}).out, "key tokenizer.chat_template: SHA-256 is ");
}

TEST_F(Verify, WhatCannotBeLoadedFails) {
  GgufWriter writer = tiny_model_writer();
  writer.remove("llama.block_count").add("llama.block_count", std::uint32_t{3});
  writer.write(model_);
  const Outcome outcome = pith({"verify", model_});
  expect_one_line(outcome, "tensor blk.2.");
  expect_has(outcome.out, "FAILED load");
}

TEST_F(Verify, DamagedFilesAreOneLine) {
  std::filesystem::resize_file(model_, std::filesystem::file_size(model_) / 2);
  for (const Args& arguments :
       {Args{"verify", model_}, Args{"manifest", model_}, Args{"verify", model_, "--manifest", manifest_}}) {
    const Outcome outcome = pith(arguments);
    expect_one_line(outcome, "the file has ");
    EXPECT_EQ(outcome.out, "");
  }
  expect_one_line(pith({"verify", (folder_ / "none.gguf").string()}), "cannot open");
  expect_one_line(pith({"verify", model_, "--manifest", model_}), "is no JSON");
  expect_one_line(pith({"run", "-m", model_, "-p", "x", "--manifest", "none.json"}), "none.json: cannot open");
}

TEST_F(Verify, WrongUsage) {
  EXPECT_EQ(pith({"verify", model_, "--sha256", "abc"}).status, 2);
  EXPECT_EQ(pith({"verify"}).status, 2);
  expect_one_line(pith({"verify", model_, "--sha256", digest(), "--sha256", digest()}), "2 were given");
}

}  // namespace
}  // namespace pith::test
