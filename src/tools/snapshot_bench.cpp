#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>

#include "eval/fail.h"
#include "tools/model_args.h"
#include "tools/output.h"
#include "tools/snapshot.h"

namespace pith::tools {
namespace {

constexpr int kTokensMax = 1 << 24;
constexpr int kRoundsMax = 1000;
/// Greedy tokens that a restored session must draw like the one that was saved.
constexpr int kCompared = 8;

struct BenchArgs {
  ModelArgs model;
  SessionArgs session;
  KeyArgs key;
  std::string snapshot;
  int tokens = 8000;
  int rounds = 3;
  Format format = Format::kText;
};

struct Rounds {
  std::vector<double> prefill, save, restore;
  std::uint64_t file_bytes = 0;
  std::uint64_t cache_bytes = 0;
  /// By how much the process's peak memory rose over the first save.
  std::uint64_t save_memory_bytes = 0;
};

template <typename Call>
double seconds_of(const Call& call) {
  const auto start = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Other programs only ever make it longer.
double fastest(const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); }

std::uint64_t peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

/// Text tokens or not: speed does not depend on them.
std::vector<Token> random_tokens(const Model& model, int count) {
  std::mt19937 random(1);
  std::vector<Token> tokens(static_cast<std::size_t>(count));
  for (Token& token : tokens) token = static_cast<Token>(random() % static_cast<unsigned>(model.info().vocab));
  return tokens;
}

void compare(Session& saved, Session& restored) {
  saved.set_sampling({});
  restored.set_sampling({});
  for (int i = 0; i < kCompared && saved.position() < saved.context(); ++i) {
    if (saved.step() != restored.step())
      eval::fail(ErrorKind::kInternal, "the restored session drew another token than the one that was saved");
  }
}

Rounds measure(const BenchArgs& args, const Model& model) {
  const std::vector<std::byte> key = args.key.read();
  const SessionOptions options = args.session.options(args.model.threads);
  const std::vector<Token> tokens = random_tokens(model, args.tokens);
  // Memory and threads are warm then.
  Session(model, options).feed(std::span(tokens).first(std::min<std::size_t>(tokens.size(), 256)));
  Rounds rounds;
  for (int round = 1; round <= args.rounds; ++round) {
    Session session(model, options);
    rounds.prefill.push_back(seconds_of([&] { session.feed(tokens); }));
    const std::uint64_t before = peak_memory();
    rounds.save.push_back(seconds_of([&] { session.save(args.snapshot, {.key = key}); }));
    if (round == 1) rounds.save_memory_bytes = peak_memory() - before;
    std::unique_ptr<Session> restored;
    rounds.restore.push_back(seconds_of([&] {
      restored = std::make_unique<Session>(Session::restore(
          model, args.snapshot, {.key = key, .threads = args.model.threads, .codecs = args.session.codecs}));
    }));
    rounds.file_bytes = std::filesystem::file_size(args.snapshot);
    rounds.cache_bytes = session.kv_stats().bytes;
    compare(session, *restored);
    std::filesystem::remove(args.snapshot);
    fmt::print(stderr, "round {} of {}: prefill {:.2f} s, save {:.3f} s, restore {:.3f} s\n", round, args.rounds,
               rounds.prefill.back(), rounds.save.back(), rounds.restore.back());
  }
  return rounds;
}

/// How many times faster saving and restoring is than prefilling.
double ratio(double prefill, double save, double restore) { return prefill / (save + restore); }

void bench(const BenchArgs& args) {
  const Rounds rounds = measure(args, args.model.load());
  const double prefill = fastest(rounds.prefill);
  const double save = fastest(rounds.save);
  const double restore = fastest(rounds.restore);
  const double gain = ratio(prefill, save, restore);
  // The first save reads the model's weights once for their fingerprint.
  const double first_gain = ratio(rounds.prefill[0], rounds.save[0], rounds.restore[0]);
  if (args.format == Format::kJson) {
    Json json;
    json["tokens"] = args.tokens;
    json["kv"] = kv_name(args.session.options(args.model.threads).kv);
    json["prefill_seconds"] = rounds.prefill;
    json["save_seconds"] = rounds.save;
    json["restore_seconds"] = rounds.restore;
    json["ratio"] = gain;
    json["first_ratio"] = first_gain;
    json["file_bytes"] = rounds.file_bytes;
    json["cache_bytes"] = rounds.cache_bytes;
    json["save_memory_bytes"] = rounds.save_memory_bytes;
    return write_json(json);
  }
  write_output(fmt::format(
      "{} tokens, {}: prefill {:.3f} s, save {:.3f} s, restore {:.3f} s (the fastest of {})\n"
      "saving and restoring is {:.1f} times as fast as prefilling; {:.1f} times with the model's fingerprint\n"
      "file {} bytes, cache {} bytes; peak memory rose by {} bytes while saving\n",
      args.tokens, kv_name(args.session.options(args.model.threads).kv), prefill, save, restore, args.rounds, gain,
      first_gain, rounds.file_bytes, rounds.cache_bytes, rounds.save_memory_bytes));
}

}  // namespace

void add_snapshot_bench(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("bench", "Measure how much faster saving and restoring is than prefilling");
  const auto args = std::make_shared<BenchArgs>();
  args->session.kv_default = "int4";
  args->model.add_to(*command);
  command->add_option("-o,--out", args->snapshot, "The snapshot to write; removed again")
      ->required()
      ->type_name("FILE");
  command->add_option("--tokens", args->tokens, "Tokens of the session; default 8000")
      ->range(1, kTokensMax)
      ->type_name("N");
  command->add_option("--rounds", args->rounds, "How often to measure everything; default 3")
      ->range(1, kRoundsMax)
      ->type_name("N");
  args->session.add_kv_to(*command, codecs);
  args->session.add_context_to(*command);
  args->key.add_to(*command);
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { bench(*args); }; });
}

}  // namespace pith::tools
