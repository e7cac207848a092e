#include <fmt/format.h>
#include <pith/pith.h>

#include <cstdio>
#include <memory>
#include <string>

#include "options/generate_options.h"
#include "tools/chat_inputs.h"
#include "tools/command.h"
#include "tools/files.h"
#include "tools/generate_args.h"
#include "tools/interrupt.h"
#include "tools/model_args.h"
#include "tools/option_flags.h"
#include "tools/output.h"
#include "tools/summary.h"

namespace pith::tools {
namespace {

struct RunArgs {
  ModelArgs model;
  SessionArgs session;
  GenerateArgs generate;
  std::string prompt;
  std::string prompt_file;
  bool chat = false;
  ChatInputArgs inputs;
  Format format = Format::kText;
};

Generation answer(Session& session, const RunArgs& args, const std::string& prompt, const PieceSink& on_piece,
                  const std::stop_token& stop) {
  const GenerateOptions options = args.generate.finished(session.model().tokenizer());
  if (!args.chat) return session.generate(prompt, options, on_piece, stop);
  return Chat(session, ChatOptions{.inputs = args.inputs.read()}).say(prompt, options, on_piece, stop);
}

void run(const RunArgs& args) {
  Interrupt interrupt;
  const std::string prompt = args.prompt_file.empty() ? args.prompt : read_text(args.prompt_file);
  Session session(args.model.load(), args.session.options(args.model.threads));
  fmt::print(stderr, "{}", context_warning(session));
  PieceSink on_piece;
  if (args.format == Format::kText) on_piece = write_piece;
  const Generation generation = answer(session, args, prompt, on_piece, interrupt.arm());
  interrupt.disarm();
  if (args.format == Format::kJson) return write_json(to_json(generation, session.kv_stats()));
  write_output("\n");
  finish_output();
  fmt::print(stderr, "{}", summary(generation, session.kv_stats()));
}

}  // namespace

void add_run(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand("run", "Continue a prompt");
  const auto args = std::make_shared<RunArgs>();
  args->model.add_to(*command);
  auto* prompt = command->add_option("-p,--prompt", args->prompt, "The prompt")->type_name("TEXT");
  auto* file = command->add_option("-f,--file", args->prompt_file,
                                   "Instead of -p: a file with the prompt, taken byte by byte; -: standard input");
  file->type_name("FILE")->excludes(prompt);
  command->add_flag("--chat", args->chat, "Put the prompt into the model's chat format, as a user's message");
  args->inputs.add_to(*command);
  args->generate.add_to(*command);
  add_flag<&GenerateOptions::shift_keep>(*command, args->generate.options.shift_keep);
  args->session.add_kv_to(*command, known.codecs);
  args->session.eviction.add_to(*command, known.policies);
  args->session.add_context_to(*command);
  args->session.add_prefixes_to(*command);
  add_format(*command, args->format);
  command->callback([args, prompt, file, &action] {
    if (prompt->empty() && file->empty()) fail_missing("--prompt or --file");
    if (args->inputs.given() && !args->chat) fail_missing("--chat, which --tools, --documents and --template-var need");
    action = [args] { run(*args); };
  });
}

}  // namespace pith::tools
