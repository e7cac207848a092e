#pragma once

#include <pith/codec.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

namespace pith::tools {

/// What the chosen subcommand does; set while the command line is read, called afterwards, so that wrong usage and
/// failures stay apart. Throws pith::Error.
using Action = std::function<void()>;

/// Codecs beside the built-in ones; null: none.
using Codecs = std::shared_ptr<const CodecRegistry>;

/// Each adds its subcommand, with its options, to `app`.
void add_run(CLI::App& app, Action& action, const Codecs& codecs);
void add_chat(CLI::App& app, Action& action, const Codecs& codecs);
void add_info(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_logits(CLI::App& app, Action& action, const Codecs& codecs);
void add_bench(CLI::App& app, Action& action, const Codecs& codecs);
void add_eval(CLI::App& app, Action& action, const Codecs& codecs);

}  // namespace pith::tools
