#include "tools/completion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace pith::tools {
namespace {

/// What the scripts of bash and zsh ask for a value: "file", "folder", "text", or the words themselves after "words".
std::string value_reply(const OptionRow& option) {
  if (!option.words.empty()) return fmt::format("words {}", fmt::join(option.words, " "));
  switch (option.kind()) {
    case ValueKind::kFile:
      return "file";
    case ValueKind::kFolder:
      return "folder";
    case ValueKind::kText:
      break;
  }
  return "text";
}

/// A function that answers by case: `of(command)` is a reply for each command, or nothing.
template <typename Of>
std::string case_function(const std::string& name, const CommandRow& root, const Of& of) {
  std::string text = fmt::format("{}() {{\n  case \"$1\" in\n", name);
  for (const CommandRow* command : all_commands(root)) {
    if (const std::string reply = of(*command); !reply.empty()) {
      text += fmt::format("    {}) printf '%s\\n' {} ;;\n", shell_quoted(command->name), shell_quoted(reply));
    }
  }
  return text + "  esac\n}\n";
}

std::string subcommand_words(const CommandRow& command) {
  std::vector<std::string> words;
  for (const CommandRow& below : command.subcommands) words.push_back(below.word());
  return fmt::format("{}", fmt::join(words, " "));
}

std::string option_words(const CommandRow& command) {
  std::vector<std::string> words;
  for (const OptionRow& option : command.options) words.insert(words.end(), option.names.begin(), option.names.end());
  return fmt::format("{}", fmt::join(words, " "));
}

std::string positional_reply(const CommandRow& command) {
  for (const OptionRow& option : command.options) {
    if (!option.positional.empty()) return value_reply(option);
  }
  return "";
}

/// What is completed after an option that takes a value; flags are left out.
std::string value_function(const std::string& name, const CommandRow& root) {
  std::string text = fmt::format("{}() {{\n  case \"$1 $2\" in\n", name);
  for (const CommandRow* command : all_commands(root)) {
    for (const OptionRow& option : command->options) {
      if (option.value.empty() || option.names.empty()) continue;
      std::vector<std::string> patterns;
      for (const std::string& each : option.names) patterns.push_back(shell_quoted(command->name + " " + each));
      text +=
          fmt::format("    {}) printf '%s\\n' {} ;;\n", fmt::join(patterns, "|"), shell_quoted(value_reply(option)));
    }
  }
  return text + "  esac\n}\n";
}

std::string case_functions(const CommandRow& root) {
  return case_function("_pith_subcommands", root, subcommand_words) +
         case_function("_pith_options", root, option_words) +
         case_function("_pith_positional", root, positional_reply) + value_function("_pith_value", root);
}

/// Finds the command that is being typed, then what its value, option or argument may be. "--option=value" comes as
/// three words, since = separates words.
constexpr std::string_view kBashScript = R"sh(_pith() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=pith reply i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ " $(_pith_subcommands "$command") " == *" ${COMP_WORDS[i]} "* ]] && command+=" ${COMP_WORDS[i]}"
  done
  if [[ $current == "=" ]]; then
    current=""
  elif [[ $previous == "=" ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  reply=$(_pith_value "$command" "$previous")
  if [[ -z $reply && $current == -* ]]; then
    reply="words $(_pith_options "$command")"
  elif [[ -z $reply ]]; then
    reply=$(_pith_subcommands "$command")
    if [[ -n $reply ]]; then reply="words $reply"; else reply=$(_pith_positional "$command"); fi
  fi
  COMPREPLY=()
  case $reply in
    "words "*) mapfile -t COMPREPLY < <(compgen -W "${reply#words }" -- "$current") ;;
    file)
      compopt -o filenames 2> /dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    folder)
      compopt -o filenames 2> /dev/null
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      ;;
  esac
}
complete -F _pith pith
)sh";

constexpr std::string_view kZshScript = R"sh(_pith() {
  local command=pith reply i
  for ((i = 2; i < CURRENT; ++i)); do
    [[ " $(_pith_subcommands "$command") " == *" ${words[i]} "* ]] && command+=" ${words[i]}"
  done
  local previous=${words[CURRENT - 1]}
  if [[ ${words[CURRENT]} == --*=* ]]; then
    previous=${words[CURRENT]%%=*}
    compset -P 1 '*='
  fi
  reply=$(_pith_value "$command" "$previous")
  if [[ -z $reply && $PREFIX == -* ]]; then
    local -a options
    options=("${(@f)$(_pith_described_options "$command")}")
    _describe -o option options
    return
  elif [[ -z $reply ]]; then
    if [[ -n $(_pith_subcommands "$command") ]]; then
      local -a subcommands
      subcommands=("${(@f)$(_pith_described_subcommands "$command")}")
      _describe subcommand subcommands
      return
    fi
    reply=$(_pith_positional "$command")
  fi
  case $reply in
    "words "*) compadd -- ${=reply#words } ;;
    file) _files ;;
    folder) _files -/ ;;
  esac
}
if [[ ${funcstack[1]} == _pith ]]; then _pith "$@"; else compdef _pith pith; fi
)sh";

/// "name:help" a line, as _describe reads them.
std::string described(const std::string& name, const std::string& help) {
  std::string text;
  for (const char c : name) text += c == ':' ? std::string("\\:") : std::string(1, c);
  return text + ":" + short_help(help);
}

std::string described_options(const CommandRow& command) {
  std::vector<std::string> lines;
  for (const OptionRow& option : command.options) {
    for (const std::string& name : option.names) lines.push_back(described(name, option.help));
  }
  return fmt::format("{}", fmt::join(lines, "\n"));
}

std::string described_subcommands(const CommandRow& command) {
  std::vector<std::string> lines;
  for (const CommandRow& below : command.subcommands) lines.push_back(described(below.word(), below.help));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

/// Text in single quotes, as fish reads it back.
std::string fish_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "'";
}

/// Walks down the subcommands on the line, as far as they are some.
std::string fish_command_function(const CommandRow& root) {
  std::string text =
      "function __pith_command\n"
      "  set -l command pith\n"
      "  for word in (commandline -opc)[2..-1]\n"
      "    switch \"$command $word\"\n";
  for (const CommandRow* command : all_commands(root)) {
    if (command != &root) text += fmt::format("      case {0}\n        set command {0}\n", fish_quoted(command->name));
  }
  return text +
         "    end\n  end\n  echo $command\nend\n"
         "function __pith_at\n  test (__pith_command) = \"$argv\"\nend\n"
         "complete -c pith -f\n";
}

std::string fish_value(const OptionRow& option) {
  if (!option.words.empty())
    return fmt::format(" -x -a {}", fish_quoted(fmt::format("{}", fmt::join(option.words, " "))));
  switch (option.kind()) {
    case ValueKind::kFile:
      return " -r -F";
    case ValueKind::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::kText:
      break;
  }
  return " -x";
}

std::string fish_option(const std::string& at, const OptionRow& option) {
  if (option.names.empty()) return option.kind() == ValueKind::kFile ? at + " -F\n" : "";
  std::string line = at;
  for (const std::string& name : option.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.value.empty()) line += fish_value(option);
  line += fmt::format(" -d {}\n", fish_quoted(short_help(option.help)));
  return option.positional.empty() || option.kind() != ValueKind::kFile ? line : line + at + " -F\n";
}

}  // namespace

std::string short_help(std::string_view help) {
  const std::size_t end = std::min(help.find(';'), help.find(": "));
  return std::string(help.substr(0, end));
}

std::string shell_quoted(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string bash_completion(const CommandRow& root) {
  return "# bash completion for pith, written by `pith completion bash`\n" + case_functions(root) +
         std::string(kBashScript);
}

std::string zsh_completion(const CommandRow& root) {
  return "#compdef pith\n# zsh completion for pith, written by `pith completion zsh`\n" + case_functions(root) +
         case_function("_pith_described_options", root, described_options) +
         case_function("_pith_described_subcommands", root, described_subcommands) + std::string(kZshScript);
}

std::string fish_completion(const CommandRow& root) {
  std::string text = "# fish completion for pith, written by `pith completion fish`\n" + fish_command_function(root);
  for (const CommandRow* command : all_commands(root)) {
    const std::string at = fmt::format("complete -c pith -n {}", fish_quoted("__pith_at " + command->name));
    for (const CommandRow& below : command->subcommands) {
      text += fmt::format("{} -a {} -d {}\n", at, below.word(), fish_quoted(short_help(below.help)));
    }
    for (const OptionRow& option : command->options) text += fish_option(at, option);
  }
  return text;
}

}  // namespace pith::tools
