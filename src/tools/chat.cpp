#include <fmt/format.h>
#include <pith/pith.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>

#include "tools/command.h"
#include "tools/generate_args.h"
#include "tools/interrupt.h"
#include "tools/model_args.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/summary.h"

namespace pith::tools {
namespace {

struct ChatArgs {
  ModelArgs model;
  SessionArgs session;
  GenerateArgs generate;
  std::string system;
};

/// The next message, asked for where somebody types it; false at the end.
bool read_message(std::string& message) {
  if (::isatty(STDIN_FILENO) == 1) fmt::print(stderr, "> ");
  return static_cast<bool>(std::getline(std::cin, message));
}

void chat(const ChatArgs& args) {
  Interrupt interrupt;
  Session session(args.model.load(), args.session.options(args.model.threads));
  Chat conversation(session, args.system);
  const GenerateOptions options = args.generate.finished(session.model().tokenizer());
  if (stderr_is_terminal()) fmt::print(stderr, "One message a line. Ctrl-C cuts a reply short, Ctrl-D ends.\n");
  for (std::string message; read_message(message);) {
    if (message.empty()) continue;
    const Generation generation = conversation.say(message, options, write_piece, interrupt.arm());
    interrupt.disarm();
    write_output("\n");
    finish_output();
    if (args.model.verbose) fmt::print(stderr, "{}", summary(generation, session.kv_stats()));
  }
}

}  // namespace

void add_chat(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand("chat", "Talk with a model: messages from standard input, one a line");
  const auto args = std::make_shared<ChatArgs>();
  args->model.add_to(*command);
  command->add_option("--system", args->system, "The system message")->type_name("TEXT");
  args->generate.add_to(*command);
  args->session.add_kv_to(*command, known.codecs);
  args->session.eviction.add_to(*command, known.policies);
  args->session.add_context_to(*command);
  command->callback([args, &action] { action = [args] { chat(*args); }; });
}

}  // namespace pith::tools
