#pragma once

#include "tools/command.h"

namespace pith::tools {

/// Subcommands of `pith eval`, like those of command.h.
void add_eval_perplexity(Command& app, Action& action, const Known& known);
void add_eval_kl(Command& app, Action& action, const Known& known);
void add_eval_needle(Command& app, Action& action, const Known& known);
void add_eval_eviction(Command& app, Action& action, const Known& known);
void add_eval_distortion(Command& app, Action& action, const Codecs& codecs);
void add_eval_report(Command& app, Action& action, const Known& known);

}  // namespace pith::tools
