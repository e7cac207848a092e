#include "tools/option_table.h"

namespace pith::tools {

ValueKind OptionRow::kind() const {
  if (value == "FILE" || value == "PATH") return ValueKind::kFile;
  return value == "FOLDER" ? ValueKind::kFolder : ValueKind::kText;
}

std::vector<const CommandRow*> all_commands(const CommandRow& root) {
  std::vector<const CommandRow*> all = {&root};
  for (const CommandRow& command : root.subcommands) {
    for (const CommandRow* below : all_commands(command)) all.push_back(below);
  }
  return all;
}

}  // namespace pith::tools
