#include <fmt/format.h>
#include <pith/pith.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "tools/command.h"
#include "tools/files.h"
#include "tools/model_args.h"

namespace pith::tools {
namespace {

struct LogitsArgs {
  ModelArgs model;
  SessionArgs session;
  std::string file;
  std::string out;
  bool ids = false;
  bool all = false;
};

void logits(const LogitsArgs& args) {
  const std::string text = read_text(args.file);
  const Model model = args.model.load();
  const std::vector<Token> tokens = args.ids ? parse_ids(text, args.file) : model.tokenizer().encode(text);
  if (tokens.empty()) throw Error(ErrorKind::kInvalidArgument, fmt::format("{}: no tokens in it", args.file));
  Session session(model, args.session.options(args.model.threads));
  OutputFile out(args.out);
  if (args.all) {
    session.feed_logits(tokens, [&](int, std::span<const float> row) { out.write(row); });
  } else {
    session.feed(tokens);
    out.write(session.logits());
  }
  out.finish();
  fmt::print(stderr, "{}: float32 [{}, {}] after {} tokens\n", args.out, args.all ? tokens.size() : 1,
             model.info().vocab, tokens.size());
}

}  // namespace

void add_logits(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("logits", "Write the logits after a text, for comparing engines");
  const auto args = std::make_shared<LogitsArgs>();
  args->model.add_to(*command);
  command->add_option("-f,--file", args->file, "The text, taken byte by byte; -: standard input")
      ->required()
      ->type_name("FILE");
  command->add_option("--out", args->out, "Where float32 values [vocab] go, in the machine's byte order")
      ->required()
      ->type_name("FILE");
  command->add_flag("--ids", args->ids, "The text is token ids with white space between them; no BOS is added");
  command->add_flag("--all", args->all, "The logits after each token: [tokens, vocab]");
  // Engines are compared by what they compute, not by what their caches lose.
  args->session.kv_default = "f32";
  args->session.add_kv_to(*command, codecs);
  args->session.add_context_to(*command);
  command->callback([args, &action] { action = [args] { logits(*args); }; });
}

}  // namespace pith::tools
