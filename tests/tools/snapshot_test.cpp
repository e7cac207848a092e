#include <pith/pith.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tools/tool.h"

namespace pith::test {
namespace {

class SnapshotTool : public ToolTest {
 protected:
  Args save(const Args& more) const {
    Args arguments = {"snapshot", "save", "-m", model_, "--out", snapshot_, "-p", "the cat sat on", "--ignore-end"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  Args restore(const Args& more) const {
    Args arguments = {"snapshot", "restore", "-m", model_, snapshot_, "--ignore-end"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string refused(const Args& arguments) const {
    const Outcome outcome = pith(arguments);
    EXPECT_EQ(outcome.status, 1) << outcome.out;
    return outcome.err;
  }
  const std::string snapshot_ = (folder_ / "session.pith").string();
};

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST_F(SnapshotTool, AKeyFileWithoutEndIsRefused) {
  expect_part(refused({"snapshot", "info", snapshot_, "--key-file", "/dev/zero"}),
              "/dev/zero: has 66 bytes, must have 32");
}

TEST_F(SnapshotTool, GoesOnWhereRunWouldHaveBeen) {
  const Args how = {"--kv", "int4", "--temp", "30", "--top-k", "40", "--seed", "7"};
  Args run = {"run", "-m", model_, "-p", "the cat sat on", "--ignore-end", "-n", "90"};
  run.insert(run.end(), how.begin(), how.end());
  const json whole = pith_json(run);
  Args first = save(how);
  first.insert(first.end(), {"-n", "60"});
  const json saved = pith_json(first);
  EXPECT_EQ(saved["snapshot_bytes"], std::filesystem::file_size(snapshot_));
  const json rest = pith_json(restore({"-n", "30"}));
  std::vector<Token> tokens = saved["tokens"];
  for (const Token token : rest["tokens"]) tokens.push_back(token);
  EXPECT_EQ(json(tokens), whole["tokens"]);
  EXPECT_EQ(rest["restored_tokens"], saved["kv_tokens"]);
  EXPECT_EQ(rest["kv_key"], "int4");
  // Options that say how to sample begin a sampler of their own.
  const json greedy = pith_json(restore({"-n", "30", "--temp", "0"}));
  EXPECT_NE(greedy["tokens"], rest["tokens"]);
  // Text goes to standard output, the rest to standard error.
  const Outcome text = pith(restore({"-n", "30"}));
  EXPECT_EQ(text.out, rest["text"].get<std::string>() + "\n");
  expect_part(text.err, "restored: ");
}

TEST_F(SnapshotTool, PromptsComeBehindIt) {
  pith_output(save({}));
  const json both = pith_json(restore({"-p", " a mat", "-n", "5"}));
  Session session(Model::load(model_), {.kv = {.key = "int8"}});
  session.generate("the cat sat on", {.tokens_max = 0});
  const Generation expected = session.generate(" a mat", {.tokens_max = 5, .ignore_end = true});
  EXPECT_EQ(both["tokens"], json(expected.tokens));
}

TEST_F(SnapshotTool, SaysWhatItIsAndWhetherItIsWhole) {
  pith_output(save({"--kv-k", "int8", "--kv-v", "int4", "--ctx", "500"}));
  const json info = pith_json({"snapshot", "info", snapshot_});
  EXPECT_EQ(info["version"], 3);
  EXPECT_EQ(info["encrypted"], false);
  EXPECT_EQ(info["architecture"], "llama");
  EXPECT_EQ(info["kv"], "int8/int4");
  EXPECT_EQ(info["context"], 500);
  EXPECT_GT(info["tokens"], 3);
  EXPECT_EQ(info["options"]["kv"], (json{{"key", "int8"}, {"value", "int4"}, {"layers", json::object()}}));
  EXPECT_EQ(info["options"]["context"], 500);
  EXPECT_EQ(info["options"]["eviction"]["interval"], 128);
  EXPECT_FALSE(info["options"].contains("threads")) << "not in the file";
  EXPECT_EQ(info["sampling"]["penalty_window"], 64);
  const std::string text = pith_output({"snapshot", "info", snapshot_});
  expect_part(text, "architecture         llama\n");
  EXPECT_EQ(text.find("penalty_window"), std::string::npos) << text;
  expect_part(pith_output({"snapshot", "verify", snapshot_}), "whole");
  std::fstream file(snapshot_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-100, std::ios::end).put('\x55');
  file.close();
  expect_part(refused({"snapshot", "verify", snapshot_}), "damaged");
  expect_part(refused(restore({})), "damaged");
  expect_part(refused({"snapshot", "verify", model_}), "is no snapshot");
  expect_part(refused({"snapshot", "info", (folder_ / "none").string()}), "cannot open");
}

TEST_F(SnapshotTool, OfAnotherModelIsRefused) {
  pith_output(save({}));
  const std::string other = write_tiny_model({.seed = 9}, folder_, "other").string();
  expect_part(refused({"snapshot", "restore", "-m", other, snapshot_}), "another model");
}

TEST_F(SnapshotTool, KeysComeFromFiles) {
  const std::string raw = write_text(folder_ / "raw", std::string(32, 'k'));
  std::string digits;
  for (int i = 0; i < 32; ++i) digits += "6b";
  const std::string hex = write_text(folder_ / "hex", digits + "\n");
  const std::string other = write_text(folder_ / "other", std::string(32, 'j'));
  const std::string bad = write_text(folder_ / "bad", "secret");
  pith_output(save({"--key-file", raw}));
  EXPECT_EQ(pith_json({"snapshot", "info", snapshot_}),
            (json{{"version", 3}, {"encrypted", true}, {"file_bytes", std::filesystem::file_size(snapshot_)}}));
  EXPECT_GT(pith_json({"snapshot", "info", snapshot_, "--key-file", hex})["tokens"], 3);
  EXPECT_EQ(pith_json(restore({"--key-file", hex, "-n", "3"}))["tokens"].size(), 3U);
  expect_part(refused(restore({})), "no key was given");
  expect_part(refused(restore({"--key-file", other})), "another key");
  expect_part(refused(restore({"--key-file", bad})), "6 bytes, must have 32");
}

TEST_F(SnapshotTool, BenchComparesWithPrefilling) {
  const json result =
      pith_json({"snapshot", "bench", "-m", model_, "--out", snapshot_, "--tokens", "300", "--rounds", "2"});
  EXPECT_EQ(result["prefill_seconds"].size(), 2U);
  EXPECT_GT(result["ratio"].get<double>(), 0.0);
  EXPECT_GT(result["file_bytes"], result["cache_bytes"]);
  EXPECT_EQ(result["kv"], "int4");
  EXPECT_FALSE(std::filesystem::exists(snapshot_));
}

}  // namespace
}  // namespace pith::test
