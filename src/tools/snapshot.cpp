#include "tools/snapshot.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "eval/fail.h"
#include "tools/files.h"
#include "tools/generate_args.h"
#include "tools/interrupt.h"
#include "tools/model_args.h"
#include "tools/output.h"
#include "tools/summary.h"

namespace pith::tools {
namespace {

struct SnapshotArgs {
  ModelArgs model;
  SessionArgs session;
  GenerateArgs generate;
  KeyArgs key;
  Codecs codecs;
  std::string prompt;
  std::string prompt_file;
  std::string snapshot;
  Format format = Format::kText;
};

struct PromptOptions {
  Option* text;
  Option* file;
};

PromptOptions add_prompt(Command& command, SnapshotArgs& args) {
  auto* text = command.add_option("-p,--prompt", args.prompt, "The prompt")->type_name("TEXT");
  auto* file = command.add_option("-f,--file", args.prompt_file,
                                  "Instead of -p: a file with the prompt, taken byte by byte; -: standard input");
  file->type_name("FILE")->excludes(text);
  return {text, file};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Feeds the prompt and generates after it; text streams to standard output.
Generation go_on(Session& session, const SnapshotArgs& args, const GenerateOptions& options, Interrupt& interrupt) {
  const std::string prompt = args.prompt_file.empty() ? args.prompt : read_text(args.prompt_file);
  PieceSink on_piece;
  if (args.format == Format::kText) on_piece = write_piece;
  Generation generation = session.generate(prompt, options, on_piece, interrupt.arm());
  interrupt.disarm();
  if (args.format == Format::kText && options.tokens_max > 0) write_output("\n");
  finish_output();
  return generation;
}

void save(const SnapshotArgs& args) {
  Interrupt interrupt;
  const std::vector<std::byte> key = args.key.read();
  Session session(args.model.load(), args.session.options(args.model.threads));
  const Generation generation = go_on(session, args, args.generate.finished(session.model().tokenizer()), interrupt);
  if (generation.reason == FinishReason::kCancelled) eval::fail(ErrorKind::kIo, "cancelled: nothing was saved");
  const auto start = std::chrono::steady_clock::now();
  session.save(args.snapshot, {.key = key});
  const double seconds = seconds_since(start);
  const std::uint64_t bytes = std::filesystem::file_size(args.snapshot);
  if (args.format == Format::kText) {
    fmt::print(stderr, "{}", summary(generation, session.kv_stats()));
    fmt::print(stderr, "saved: {} tokens, {} bytes in {:.3f} s: {}\n", session.position(), bytes, seconds,
               args.snapshot);
    return;
  }
  Json json = to_json(generation, session.kv_stats());
  json["snapshot"] = args.snapshot;
  json["snapshot_bytes"] = bytes;
  json["save_seconds"] = seconds;
  write_json(json);
}

void restore(const SnapshotArgs& args) {
  Interrupt interrupt;
  const std::vector<std::byte> key = args.key.read();
  const Model model = args.model.load();
  const auto start = std::chrono::steady_clock::now();
  Session session =
      Session::restore(model, args.snapshot, {.key = key, .threads = args.model.threads, .codecs = args.codecs});
  const double seconds = seconds_since(start);
  const int restored = session.position();
  GenerateOptions options = args.generate.finished(model.tokenizer());
  options.keep_sampler = !args.generate.sampling_given();
  const Generation generation = go_on(session, args, options, interrupt);
  if (args.format == Format::kText) {
    fmt::print(stderr, "restored: {} tokens in {:.3f} s\n", restored, seconds);
    fmt::print(stderr, "{}", summary(generation, session.kv_stats()));
    return;
  }
  Json json = to_json(generation, session.kv_stats());
  json["restored_tokens"] = restored;
  json["restore_seconds"] = seconds;
  write_json(json);
}

}  // namespace

void add_snapshot_save(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("save", "Feed a prompt, generate if asked, and save the session");
  const auto args = std::make_shared<SnapshotArgs>();
  args->generate.options.tokens_max = 0;
  args->model.add_to(*command);
  command->add_option("-o,--out", args->snapshot, "The snapshot to write")->required()->type_name("FILE");
  const PromptOptions prompt = add_prompt(*command, *args);
  args->generate.add_to(*command);
  args->session.add_kv_to(*command, codecs);
  args->session.add_context_to(*command);
  args->key.add_to(*command);
  add_format(*command, args->format);
  command->callback([args, prompt, &action] {
    if (prompt.text->empty() && prompt.file->empty()) fail_missing("--prompt or --file");
    action = [args] { save(*args); };
  });
}

void add_snapshot_restore(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("restore", "Go on from a snapshot, with its sampler unless options say otherwise");
  const auto args = std::make_shared<SnapshotArgs>();
  args->codecs = codecs;
  args->model.add_to(*command);
  command->add_option("snapshot", args->snapshot, "The snapshot")->required()->type_name("FILE");
  add_prompt(*command, *args);
  args->generate.add_to(*command);
  args->key.add_to(*command);
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { restore(*args); }; });
}

void add_snapshot(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("snapshot", "Save sessions to files and go on from them");
  command->require_subcommand();
  add_snapshot_save(*command, action, codecs);
  add_snapshot_restore(*command, action, codecs);
  add_snapshot_info(*command, action);
  add_snapshot_verify(*command, action);
  add_snapshot_bench(*command, action, codecs);
}

}  // namespace pith::tools
