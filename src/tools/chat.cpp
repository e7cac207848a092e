#include <fmt/format.h>
#include <pith/pith.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "options/chat_options.h"
#include "tools/chat_inputs.h"
#include "tools/cluster.h"
#include "tools/command.h"
#include "tools/generate_args.h"
#include "tools/interrupt.h"
#include "tools/model_args.h"
#include "tools/option_flags.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/summary.h"

namespace pith::tools {
namespace {

struct ChatArgs {
  ModelArgs model;
  SessionArgs session;
  GenerateArgs generate;
  ChatOptions conversation;
  ChatInputArgs inputs;
};

bool input_is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

/// The next message, asked for where somebody types it; false at the end.
bool read_message(std::string& message) {
  if (input_is_terminal()) fmt::print(stderr, "> ");
  // The first byte says whether there is one.
  std::string line;
  if (is_first() && std::getline(std::cin, message)) line = "+" + message;
  line = from_first(line);
  message = line.substr(std::min<std::size_t>(line.size(), 1));
  return !line.empty();
}

/// Nothing for a message that does not fit, which somebody who types is told of, and may try again.
std::optional<Generation> answer(Chat& conversation, const std::string& message, const GenerateOptions& options,
                                 Interrupt& interrupt) {
  try {
    std::optional<Generation> generation = conversation.say(message, options, write_piece, interrupt.arm());
    interrupt.disarm();
    return generation;
  } catch (const Error& error) {
    interrupt.disarm();
    if (error.kind() != ErrorKind::kContextFull || !input_is_terminal()) throw;
    fmt::print(stderr, "pith: the message was not sent: {}\n", error.what());
    return std::nullopt;
  }
}

/// Says what the conversation has forgotten since `dropped_before`.
void report_dropped(const Chat& conversation, std::size_t dropped_before) {
  const std::size_t dropped = conversation.dropped() - dropped_before;
  if (dropped == 0) return;
  fmt::print(stderr, "pith: the context was full: the {} oldest messages are forgotten\n", dropped);
}

void chat(const ChatArgs& args) {
  Interrupt interrupt;
  Session session(args.model.load(), args.session.options(args.model.threads));
  fmt::print(stderr, "{}", context_warning(session));
  ChatOptions chat_options = args.conversation;
  chat_options.inputs = args.inputs.read();
  Chat conversation(session, chat_options);
  const GenerateOptions options = args.generate.finished(session.model().tokenizer());
  if (stderr_is_terminal()) fmt::print(stderr, "One message a line. Ctrl-C cuts a reply short, Ctrl-D ends.\n");
  for (std::string message; read_message(message);) {
    if (message.empty()) continue;
    const std::size_t dropped_before = conversation.dropped();
    const std::optional<Generation> generation = answer(conversation, message, options, interrupt);
    if (!generation) continue;
    write_output("\n");
    finish_output();
    report_dropped(conversation, dropped_before);
    if (args.model.verbose) fmt::print(stderr, "{}", summary(*generation, session.kv_stats()));
  }
  if (session.position() > 0) fmt::print(stderr, "{}", kv_summary(session.kv_stats()));
}

}  // namespace

void add_chat(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand("chat", "Talk with a model: messages from standard input, one per line");
  const auto args = std::make_shared<ChatArgs>();
  args->model.add_to(*command);
  add_flag<&ChatOptions::system>(*command, args->conversation.system);
  add_flag<&ChatOptions::overflow>(*command, args->conversation.overflow);
  args->inputs.add_to(*command);
  args->generate.add_to(*command);
  args->session.add_kv_to(*command, known.codecs);
  args->session.eviction.add_to(*command, known.policies);
  args->session.add_context_to(*command);
  args->session.add_prefixes_to(*command);
  args->session.add_marks_to(*command);
  command->callback([args, &action] { action = [args] { chat(*args); }; });
}

}  // namespace pith::tools
