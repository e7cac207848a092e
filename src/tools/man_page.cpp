#include "tools/man_page.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string_view>

namespace pith::tools {
namespace {

/// Text as roff prints it: a backslash and a hyphen mean something else there, and so do a point or a quotation mark at
/// the beginning of a line.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (c == '"') {
      result += "\\(dq";
    } else {
      result += c;
    }
  }
  if (!result.empty() && (result[0] == '.' || result[0] == '\'')) result.insert(0, "\\&");
  return result;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }

std::string italic(std::string_view text) { return "\\fI" + escaped(text) + "\\fR"; }

/// A help text as a sentence.
std::string sentence(const std::string& help) {
  return help.empty() || help.back() == '.' ? escaped(help) : escaped(help) + ".";
}

std::string title(const OptionRow& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.names) names.push_back(bold(name));
  if (!option.positional.empty()) names.insert(names.begin(), italic(option.positional));
  std::string text = fmt::format("{}", fmt::join(names, ", "));
  if (option.value.empty() || option.names.empty()) return text;
  return text + " " + (option.words_only ? bold(option.value) : italic(option.value));
}

/// What must be given: the rest is under OPTIONS.
std::string synopsis(const CommandRow& command) {
  std::string text = bold(command.name);
  if (!command.subcommands.empty()) return text + " " + italic("SUBCOMMAND") + " [" + italic("OPTION") + "]...";
  for (const OptionRow& option : command.options) {
    if (!option.required) continue;
    text += " ";
    text +=
        option.positional.empty() ? bold(option.names.front()) + " " + italic(option.value) : italic(option.positional);
  }
  return text + " [" + italic("OPTION") + "]...";
}

std::string options(const CommandRow& command) {
  std::string text = ".SH OPTIONS\n";
  for (const OptionRow& option : command.options) {
    text += fmt::format(".TP\n{}\n{}{}\n", title(option), sentence(option.help),
                        option.required ? " This must be given." : "");
  }
  return text;
}

std::string subcommands(const CommandRow& command) {
  if (command.subcommands.empty()) return "";
  std::string text = ".SH SUBCOMMANDS\n";
  for (const CommandRow& below : command.subcommands) {
    text += fmt::format(".TP\n\\fB{}\\fR(1)\n{}\n", escaped(man_name(below)), sentence(below.help));
  }
  return text;
}

constexpr std::string_view kStatus =
    ".SH EXIT STATUS\n"
    ".TP\n.B 0\nAll went well.\n"
    ".TP\n.B 1\nThe command failed; one line on standard error says why.\n"
    ".TP\n.B 2\nThe command line is wrong.\n"
    ".SH ENVIRONMENT\n"
    ".TP\n.B PITH_FORCE_ISA\n"
    "Runs the kernels of one instruction set: portable, avx2, avx512, neon or neon_i8mm.\n";

/// The pages of the commands above and below.
std::string see_also(const CommandRow& command, const CommandRow& root) {
  std::vector<std::string> names;
  for (const CommandRow* other : all_commands(root)) {
    const bool above = command.name.starts_with(other->name + " ");
    const bool below = other->name.starts_with(command.name + " ");
    if (above || below) names.push_back(fmt::format(".BR {} (1)", escaped(man_name(*other))));
  }
  return names.empty() ? "" : fmt::format(".SH SEE ALSO\n{}\n", fmt::join(names, " ,\n"));
}

}  // namespace

std::string man_name(const CommandRow& command) {
  std::string name = command.name;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string man_page(const CommandRow& command, const CommandRow& root, const std::string& version) {
  const std::string name = man_name(command);
  std::string upper = name;
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  std::string summary = command.help;
  if (!summary.empty() && summary.back() == '.') summary.pop_back();
  std::string text = fmt::format(".TH {} 1 \"\" \"{}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n", escaped(upper),
                                 escaped(version), escaped(name), escaped(summary));
  text += fmt::format(".SH SYNOPSIS\n{}\n.SH DESCRIPTION\n{}\n", synopsis(command), sentence(command.help));
  text += "Results go to standard output, everything else to standard error.\n";
  return text + options(command) + subcommands(command) + std::string(kStatus) + see_also(command, root);
}

}  // namespace pith::tools
