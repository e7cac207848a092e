#pragma once

#include <pith/codec.h>
#include <pith/eviction.h>

#include <functional>
#include <memory>

#include "tools/command_line.h"

namespace pith::tools {

/// What the chosen subcommand does; set while the command line is read, called afterwards, so that wrong usage and
/// failures stay apart. Throws pith::Error.
using Action = std::function<void()>;

/// Codecs beside the built-in ones; null: none.
using Codecs = std::shared_ptr<const CodecRegistry>;
/// Eviction policies and what goes with them, likewise.
using Policies = std::shared_ptr<const EvictionRegistry>;

/// What the user's program adds to the command.
struct Known {
  Codecs codecs{};
  Policies policies{};
};

/// Each adds its subcommand, with its options, to `app`.
void add_run(Command& app, Action& action, const Known& known);
void add_chat(Command& app, Action& action, const Known& known);
void add_info(Command& app, Action& action);
void add_plan(Command& app, Action& action, const Codecs& codecs);
void add_manifest(Command& app, Action& action);
void add_verify(Command& app, Action& action);
void add_quantize(Command& app, Action& action);
void add_tokenize(Command& app, Action& action);
void add_logits(Command& app, Action& action, const Codecs& codecs);
void add_snapshot(Command& app, Action& action, const Codecs& codecs);
void add_bench(Command& app, Action& action, const Codecs& codecs);
void add_eval(Command& app, Action& action, const Known& known);
void add_man(Command& app, Action& action);
void add_completion(Command& app, Action& action);

}  // namespace pith::tools
