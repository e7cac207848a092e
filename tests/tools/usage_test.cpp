#include "tools/tool.h"

// Help, versions, and command lines that make no sense: 0, 0 and 2.
namespace pith::test {
namespace {

TEST(Usage, HelpEverywhere) {
  for (const Args& command : {Args{}, Args{"run"}, Args{"chat"}, Args{"info"}, Args{"plan"}, Args{"quantize"},
                              Args{"man"}, Args{"completion"}, Args{"tokenize"}, Args{"logits"}, Args{"bench"},
                              Args{"eval"}, Args{"eval", "perplexity"}, Args{"eval", "kl"}, Args{"eval", "needle"},
                              Args{"eval", "eviction"}, Args{"eval", "distortion"}, Args{"eval", "report"}}) {
    for (const char* flag : {"--help", "-h"}) {
      Args arguments = command;
      arguments.emplace_back(flag);
      const Outcome outcome = pith(arguments);
      EXPECT_EQ(outcome.status, 0);
      EXPECT_EQ(outcome.err, "");
      EXPECT_NE(outcome.out.find("Usage: pith"), std::string::npos) << outcome.out;
    }
  }
}

TEST(Usage, HelpNamesTheSubcommands) {
  const std::string help = pith_output({"--help"});
  for (const char* name :
       {"run", "chat", "info", "plan", "quantize", "tokenize", "logits", "bench", "eval", "man", "completion"}) {
    EXPECT_NE(help.find(std::string("\n  ") + name + " "), std::string::npos) << name;
  }
}

TEST(Usage, HelpOfRunNamesItsOptions) {
  const std::string help = pith_output({"run", "--help"});
  for (const char* name : {"--model",
                           "--prompt",
                           "--file",
                           "--tokens",
                           "--kv",
                           "--kv-k",
                           "--kv-v",
                           "--ctx",
                           "--threads",
                           "--temp",
                           "--seed",
                           "--top-k",
                           "--top-p",
                           "--min-p",
                           "--repeat-penalty",
                           "--presence-penalty",
                           "--frequency-penalty",
                           "--typical-p",
                           "--xtc-probability",
                           "--xtc-threshold",
                           "--mirostat-tau",
                           "--mirostat-eta",
                           "--no-repeat-ngram",
                           "--dry-multiplier",
                           "--dry-base",
                           "--dry-allowed-length",
                           "--dry-window",
                           "--dry-breaker",
                           "--stop",
                           "--ignore-end",
                           "--arithmetic",
                           "--chat",
                           "--format"}) {
    EXPECT_NE(help.find(name), std::string::npos) << name;
  }
}

TEST(Usage, Version) {
  const std::string version = pith_output({"--version"});
  EXPECT_TRUE(version.starts_with("pith ")) << version;
  EXPECT_NE(version.find('.'), std::string::npos);
  for (const char* line : {"\ncommit: ", "\ncompiler: ", "\ninstruction set: "})
    EXPECT_NE(version.find(line), std::string::npos) << version;
}

TEST(Usage, WrongCommandLines) {
  const Args lines[] = {
      {},
      {"sing"},
      {"run"},
      {"run", "-m", "model.gguf"},
      {"run", "-p", "text"},
      {"run", "-m", "model.gguf", "-p", "text", "-f", "file"},
      {"run", "-m", "model.gguf", "-p", "text", "-n", "-1"},
      {"run", "-m", "model.gguf", "-p", "text", "-n", "many"},
      {"run", "-m", "model.gguf", "-p", "text", "--ctx", "-5"},
      {"run", "-m", "model.gguf", "-p", "text", "--threads", "-1"},
      {"run", "-m", "model.gguf", "-p", "text", "--temp", "hot"},
      {"run", "-m", "model.gguf", "-p", "text", "--format", "xml"},
      {"run", "-m", "model.gguf", "-p", "text", "--arithmetic", "slow"},
      {"run", "-m", "model.gguf", "-p", "text", "--kv", "int4", "--kv-k", "int8"},
      {"run", "-m", "model.gguf", "-p", "text", "--logit-bias", "5"},
      {"run", "-m", "model.gguf", "-p", "text", "--logit-bias", "5=x"},
      {"run", "-m", "model.gguf", "-p", "text", "--unheard-of"},
      {"run", "-m", "model.gguf", "-p", "text", "surplus"},
      {"chat"},
      {"info"},
      {"info", "a.gguf", "b.gguf"},
      {"plan"},
      {"plan", "a.gguf", "--memory", "lots"},
      {"plan", "a.gguf", "--memory", "-1GiB"},
      {"plan", "a.gguf", "--sessions", "0"},
      {"plan", "a.gguf", "--context", "-1"},
      {"completion"},
      {"completion", "csh"},
      {"man", "run", "--all", "folder"},
      {"tokenize"},
      {"logits", "-m", "model.gguf", "-f", "text"},
      {"logits", "-m", "model.gguf", "--out", "file"},
      {"eval"},
      {"eval", "speed"},
      {"eval", "perplexity", "-m", "model.gguf"},
      {"eval", "perplexity", "-m", "model.gguf", "--text", "f", "--context", "1"},
      {"eval", "perplexity", "-m", "model.gguf", "--text", "f", "--chunks", "-1"},
  };
  for (const Args& line : lines) {
    const Outcome outcome = pith(line);
    EXPECT_EQ(outcome.status, 2) << testing::PrintToString(line);
    EXPECT_EQ(outcome.out, "") << testing::PrintToString(line);
    EXPECT_NE(outcome.err, "") << testing::PrintToString(line);
  }
}

TEST(Usage, WhatWasTypedSteersNoTerminal) {
  const Outcome outcome = pith({"info", "a.gguf", "b\x1b[2J\xC2\x9B\n"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.err.find('\x1b'), std::string::npos) << outcome.err;
  EXPECT_EQ(outcome.err.find('\x9B'), std::string::npos) << outcome.err;
  EXPECT_NE(outcome.err.find("b\\x1b[2J\\xc2\\x9b"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace pith::test
