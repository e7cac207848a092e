#pragma once

#include <CLI/CLI.hpp>

#include "tools/command.h"

namespace pith::tools {

/// Subcommands of `pith eval`, like those of command.h.
void add_eval_perplexity(CLI::App& app, Action& action, const Codecs& codecs);
void add_eval_kl(CLI::App& app, Action& action, const Codecs& codecs);
void add_eval_needle(CLI::App& app, Action& action, const Codecs& codecs);
void add_eval_distortion(CLI::App& app, Action& action, const Codecs& codecs);
void add_eval_report(CLI::App& app, Action& action, const Codecs& codecs);

}  // namespace pith::tools
