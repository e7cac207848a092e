#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/option_table.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// What subcommands say of their options. CLI11 reads them, and only command_line.cpp sees its headers: they cost every
/// file that includes them more time than the rest of it.
namespace pith::tools {

/// An option; lives as long as its command. What describes it further returns it again.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option* required();
  /// What stands for the value in the help.
  Option* type_name(const std::string& name);
  /// Values that shells offer to complete; others are taken all the same.
  Option* suggests(std::vector<std::string> words);
  /// Values of a list may stand in one argument.
  Option* delimiter(char between);
  /// A list's option takes one value; it may be given more than once.
  Option* one_value();
  Option* excludes(const Option* other);
  Option* range(int least, int most);
  Option* range(double least, double most);
  Option* not_negative();
  /// `complaint` says what is wrong with the text of a value; empty: nothing.
  Option* check(const std::function<std::string(const std::string&)>& complaint);

  /// Whether it was not given.
  bool empty() const;

  /// What it is, as data.
  OptionRow row() const;

 private:
  friend class Command;

  CLI::Option* option_;
  std::string value_{};
  std::vector<std::string> words_{};
  bool words_only_ = false;
};

/// A command with options and subcommands. Values are written where the references lead while the line is read.
class Command {
 public:
  /// The app must outlive it.
  explicit Command(CLI::App* app) : app_(app) {}
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;

  Command* add_subcommand(const std::string& name, const std::string& help);
  /// One of the subcommands must be given.
  void require_subcommand();

  /// std::string, int, float, double, std::uint64_t; std::vector of std::string, int, std::uint64_t or double.
  template <typename Value>
  Option* add_option(const std::string& names, Value& value, const std::string& help);
  Option* add_flag(const std::string& names, bool& value, const std::string& help);

  /// An option whose value is one of some words.
  template <typename Value>
  Option* add_choice(const std::string& names, Value& value, const std::vector<std::pair<std::string, Value>>& known,
                     const std::string& help) {
    std::vector<std::string> words;
    words.reserve(known.size());
    for (const auto& [word, meaning] : known) words.push_back(word);
    return add_words(names, words, help, [&value, known](std::size_t index) { value = known[index].second; });
  }

  /// Called when this subcommand was given and its options are read.
  void callback(std::function<void()> call);

  /// The command with everything that was added so far, as data. `parent`: the words before its own name.
  CommandRow row(const std::string& parent = {}) const;

 private:
  Option* add_words(const std::string& names, const std::vector<std::string>& words, const std::string& help,
                    const std::function<void(std::size_t index)>& set);
  Option* keep(CLI::Option* option);

  CLI::App* app_;
  /// In the order in which they were added; those for help and version, which CLI11 adds, are not among them.
  std::deque<Option> options_{};
  std::deque<Command> subcommands_{};
};

/// The whole command line of a program.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& help, std::function<std::string()> version);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  Command& root() { return root_; }

  /// Ends the help. Subcommands that are added later end theirs with it, too.
  void set_footer(const std::string& footer);

  enum class Outcome { kRead, kHelped, kWrong };
  /// Calls the callback of the subcommand that was given, or says on standard output or standard error why not.
  Outcome parse(int argc, char** argv);

 private:
  std::unique_ptr<CLI::App> app_;
  Command root_;
};

/// From a callback: wrong usage, for lack of `what`.
[[noreturn]] void fail_missing(const std::string& what);

}  // namespace pith::tools
