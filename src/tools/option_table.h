#pragma once

#include <string>
#include <vector>

// The command line as data: what manual pages and shell completions are generated from. Command::row() fills it
// from the options that the subcommands added, so nothing can be in the command and missing here.
namespace pith::tools {

/// What a shell offers for a value.
enum class ValueKind {
  kText,    ///< Nothing: a number or a text.
  kFile,    ///< Files.
  kFolder,  ///< Folders.
};

struct OptionRow {
  /// With their dashes, "-m" before "--model"; empty of a positional argument that has no other name.
  std::vector<std::string> names;
  /// "model", or empty.
  std::string positional;
  /// What stands for the value in the help ("FILE"); empty of a flag.
  std::string value;
  /// Values that are known: all that there are (`words_only`), or those worth offering.
  std::vector<std::string> words;
  bool words_only = false;
  bool required = false;
  std::string help;

  ValueKind kind() const;
};

struct CommandRow {
  /// As typed: "pith eval kl".
  std::string name;
  std::string help;
  /// In the order in which they were added.
  std::vector<OptionRow> options;
  std::vector<CommandRow> subcommands;

  /// The last word of the name.
  std::string word() const { return name.substr(name.rfind(' ') + 1); }
};

/// This command and all below it, parents first.
std::vector<const CommandRow*> all_commands(const CommandRow& root);

}  // namespace pith::tools
