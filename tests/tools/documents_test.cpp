#include <set>

#include "support/paths.h"
#include "tools/tool.h"

// pith man and pith completion: every subcommand and option is in both, and the programs that read them take them.
namespace pith::test {
namespace {

/// The words that `pith SUBCOMMAND --help` lists: options with their names, or subcommands.
std::set<std::string> listed(const Args& subcommand, bool options) {
  Args arguments = subcommand;
  arguments.emplace_back("--help");
  std::istringstream help(pith_output(arguments));
  std::set<std::string> words;
  bool inside = false;
  for (std::string line; std::getline(help, line);) {
    if (!line.starts_with(' ')) {
      inside = line == (options ? "Options:" : "Subcommands:");
      continue;
    }
    if (!inside || line.size() < 3 || line[2] == ' ') continue;
    std::istringstream names(line.substr(2, line.find(' ', 2) - 2));
    for (std::string name; std::getline(names, name, ',');) words.insert(name);
  }
  return words;
}

/// Every subcommand, the words that call it.
std::vector<Args> all_subcommands() {
  std::vector<Args> all = {{}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Args above = all[i];
    for (const std::string& word : listed(above, false)) {
      all.push_back(above);
      all.back().push_back(word);
    }
  }
  return all;
}

bool has_program(const char* name) {
  return run_process({"/bin/sh", "-c", std::string("command -v ") + name + " > /dev/null"}).status == 0;
}

/// What bash offers after some words; the last one is being typed.
std::set<std::string> offered(const Args& words) {
  std::string script = "source <(" + built_program("pith") + " completion bash)\nCOMP_WORDS=(pith";
  for (const std::string& word : words) script += " '" + word + "'";
  script += ")\nCOMP_CWORD=" + std::to_string(words.size()) + "\n_pith\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n";
  const Outcome outcome = run_process({"/bin/bash", "-c", script});
  EXPECT_EQ(outcome.status, 0) << outcome.err;
  EXPECT_EQ(outcome.err, "");
  std::istringstream lines(outcome.out);
  std::set<std::string> offers;
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) offers.insert(line);
  }
  return offers;
}

TEST(Documents, HelpIsReadAsItIsWritten) {
  const std::vector<Args> all = all_subcommands();
  EXPECT_GT(all.size(), 20U);
  EXPECT_TRUE(listed({"run"}, true).contains("--kv"));
  EXPECT_TRUE(listed({"run"}, true).contains("-p"));
}

TEST(Documents, ManPagesHaveEveryOption) {
  for (const Args& subcommand : all_subcommands()) {
    Args arguments = {"man"};
    arguments.insert(arguments.end(), subcommand.begin(), subcommand.end());
    const std::string page = pith_output(arguments);
    EXPECT_TRUE(page.starts_with(".TH PITH")) << page.substr(0, 40);
    for (std::string option : listed(subcommand, true)) {
      for (std::size_t at = option.find('-'); at != std::string::npos; at = option.find('-', at + 2)) {
        option.insert(at, 1, '\\');
      }
      EXPECT_NE(page.find("\\fB" + option + "\\fR"), std::string::npos) << option << " is not in\n" << page;
    }
  }
}

TEST(Documents, GroffTakesManPages) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "hundreds of runs of one code path";
  if (!has_program("groff")) GTEST_SKIP() << "no groff";
  for (const Args& subcommand : all_subcommands()) {
    Args arguments = {"man"};
    arguments.insert(arguments.end(), subcommand.begin(), subcommand.end());
    const Outcome outcome =
        run_process({"/bin/sh", "-c", "groff -man -ww -z -Tutf8"}, {.input = pith_output(arguments)});
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Documents, UnknownManPage) {
  const Outcome outcome = pith({"man", "sing"});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_NE(outcome.err.find("pith sing is no subcommand"), std::string::npos) << outcome.err;
}

TEST(Documents, BashOffersSubcommands) {
  for (const Args& above : {Args{}, Args{"eval"}, Args{"snapshot"}}) {
    Args words = above;
    words.emplace_back("");
    EXPECT_EQ(offered(words), listed(above, false));
  }
  EXPECT_EQ(offered({"ch"}), (std::set<std::string>{"chat"}));
  EXPECT_EQ(offered({"eval", "pe"}), (std::set<std::string>{"perplexity"}));
}

TEST(Documents, BashOffersEveryOption) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "hundreds of runs of one code path";
  for (const Args& subcommand : all_subcommands()) {
    Args words = subcommand;
    words.emplace_back("-");
    EXPECT_EQ(offered(words), listed(subcommand, true)) << testing::PrintToString(subcommand);
  }
}

TEST(Documents, BashOffersChoicesAndCodecs) {
  EXPECT_EQ(offered({"run", "--format", ""}), (std::set<std::string>{"text", "json"}));
  EXPECT_EQ(offered({"bench", "--format", "m"}), (std::set<std::string>{"markdown"}));
  EXPECT_EQ(offered({"run", "--format", "="}), (std::set<std::string>{"text", "json"}));
  EXPECT_EQ(offered({"run", "--format", "=", "j"}), (std::set<std::string>{"json"}));
  EXPECT_EQ(offered({"completion", ""}), (std::set<std::string>{"bash", "zsh", "fish"}));
  EXPECT_TRUE(offered({"run", "--kv", ""}).contains("int4"));
  EXPECT_TRUE(offered({"eval", "kl", "--kv", "int"}).contains("int3"));
  EXPECT_TRUE(offered({"run", "--evict", ""}).contains("h2o"));
  EXPECT_EQ(offered({"run", "--temp", ""}), std::set<std::string>{});
}

TEST(Documents, BashOffersFiles) {
  const TempDir folder;
  const std::string file = write_text(folder / "model file.gguf", "x");
  const std::string start = (folder / "mod").string();
  for (const Args& words : {Args{"run", "-m", start}, Args{"run", "--model", start}, Args{"info", start}}) {
    EXPECT_EQ(offered(words), std::set<std::string>{file});
  }
}

TEST(Documents, OtherShellsHaveEveryOptionAndTakeTheirScripts) {
  if (PITH_SANITIZED != 0) GTEST_SKIP() << "hundreds of runs of one code path";
  const TempDir folder;
  for (const char* shell : {"zsh", "fish"}) {
    const std::string script = pith_output({"completion", shell});
    for (const Args& subcommand : all_subcommands()) {
      for (const std::string& option : listed(subcommand, true)) {
        const bool long_name = option.starts_with("--");
        const std::string name = std::string(shell) == "zsh" ? option
                                 : long_name                 ? " -l " + option.substr(2) + " "
                                                             : " -s " + option.substr(1) + " ";
        EXPECT_NE(script.find(name), std::string::npos) << shell << ' ' << option;
      }
    }
    const std::string path = write_text(folder / shell, script);
    if (!has_program(shell)) continue;
    const Outcome outcome = run_process({"/bin/sh", "-c", std::string(shell) + " -n " + path});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_EQ(outcome.err, "");
  }
}

TEST(Documents, AllAreWrittenAsBelowShare) {
  const TempDir folder;
  const auto share = folder / "new" / "share";
  EXPECT_EQ(pith_output({"man", "--all", share.string()}), "");
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(share / "man" / "man1")) {
    EXPECT_EQ(entry.path().extension(), ".1");
    ++pages;
  }
  EXPECT_EQ(pages, all_subcommands().size());
  EXPECT_EQ(read_file(share / "man" / "man1" / "pith-eval-kl.1"), pith_output({"man", "eval", "kl"}));
  EXPECT_EQ(read_file(share / "man" / "man1" / "pith.1"), pith_output({"man"}));
  EXPECT_EQ(read_file(share / "bash-completion" / "completions" / "pith"), pith_output({"completion", "bash"}));
  EXPECT_EQ(read_file(share / "zsh" / "vendor-completions" / "_pith"), pith_output({"completion", "zsh"}));
  EXPECT_EQ(read_file(share / "fish" / "vendor_completions.d" / "pith.fish"), pith_output({"completion", "fish"}));
  EXPECT_EQ(pith({"man", "--all", "/proc/no/where"}).status, 1);
}

}  // namespace
}  // namespace pith::test
