#pragma once

#include <CLI/CLI.hpp>

#include "tools/command.h"

namespace pith::tools {

/// Subcommands of `pith eval`, like those of command.h.
void add_eval_perplexity(CLI::App& app, Action& action);

}  // namespace pith::tools
