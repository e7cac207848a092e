#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pith/version.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include "eval/fail.h"
#include "tools/command.h"
#include "tools/completion.h"
#include "tools/files.h"
#include "tools/man_page.h"
#include "tools/output.h"

// pith man and pith completion: what the option table says, for man, bash, zsh and fish.
namespace pith::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVersion = "pith " PITH_VERSION;

enum class Shell { kBash, kZsh, kFish };

struct ManArgs {
  std::vector<std::string> subcommand;
  std::string folder;
};

std::string completion(const CommandRow& root, Shell shell) {
  switch (shell) {
    case Shell::kZsh:
      return zsh_completion(root);
    case Shell::kFish:
      return fish_completion(root);
    case Shell::kBash:
      break;
  }
  return bash_completion(root);
}

void write_file(const fs::path& path, const std::string& text) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error) eval::fail(ErrorKind::kIo, "{}: cannot make the folder: {}", path.parent_path().string(), error.message());
  OutputFile file(path.string());
  file.write(text);
  file.finish();
}

/// Laid out as below a prefix's share folder, so that an installation copies it as it is.
void write_all(const CommandRow& root, const fs::path& share) {
  for (const CommandRow* command : all_commands(root)) {
    write_file(share / "man" / "man1" / (man_name(*command) + ".1"), man_page(*command, root, kVersion));
  }
  write_file(share / "bash-completion" / "completions" / "pith", bash_completion(root));
  write_file(share / "zsh" / "vendor-completions" / "_pith", zsh_completion(root));
  write_file(share / "fish" / "vendor_completions.d" / "pith.fish", fish_completion(root));
}

void man(const CommandRow& root, const ManArgs& args) {
  if (!args.folder.empty()) return write_all(root, args.folder);
  const std::string name = fmt::format("pith{}{}", args.subcommand.empty() ? "" : " ", fmt::join(args.subcommand, " "));
  for (const CommandRow* command : all_commands(root)) {
    if (command->name == name) return write_output(man_page(*command, root, kVersion));
  }
  eval::fail(ErrorKind::kInvalidArgument, "{} is no subcommand; pith --help lists them", name);
}

}  // namespace

void add_man(Command& app, Action& action) {
  auto* command = app.add_subcommand("man", "Print the manual page of pith or of a subcommand, for man -l -");
  const auto args = std::make_shared<ManArgs>();
  auto* subcommand = command->add_option("subcommand", args->subcommand,
                                         "The subcommand (eval kl); without it the page of pith itself");
  subcommand->type_name("SUBCOMMAND");
  command
      ->add_option("--all", args->folder,
                   "Write all manual pages and completion scripts into this folder, laid out like a prefix's share")
      ->type_name("FOLDER")
      ->excludes(subcommand);
  command->callback([&app, args, &action] { action = [&app, args] { man(app.row(), *args); }; });
}

void add_completion(Command& app, Action& action) {
  auto* command = app.add_subcommand("completion", "Print the completion script of a shell");
  const auto shell = std::make_shared<Shell>(Shell::kBash);
  static const std::vector<std::pair<std::string, Shell>> shells = {
      {"bash", Shell::kBash}, {"zsh", Shell::kZsh}, {"fish", Shell::kFish}};
  command->add_choice("shell", *shell, shells, "The shell: source <(pith completion bash), or save it where it looks")
      ->required();
  command->callback(
      [&app, shell, &action] { action = [&app, shell] { write_output(completion(app.row(), *shell)); }; });
}

}  // namespace pith::tools
