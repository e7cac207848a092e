#pragma once

#include <string>

#include "tools/option_table.h"

namespace pith::tools {

/// "pith-eval-kl" of "pith eval kl": what its manual page is called.
std::string man_name(const CommandRow& command);

/// The manual page of a command, section 1, as man(7) has it: name, synopsis, description, options, subcommands, exit
/// status, environment, the pages beside it. `root` is the whole table. The page has no date, so that builds repeat.
std::string man_page(const CommandRow& command, const CommandRow& root, const std::string& version);

}  // namespace pith::tools
