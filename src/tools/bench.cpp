#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "eval/speed.h"
#include "eval/speed_chart.h"
#include "options/session_options.h"
#include "tools/bench_output.h"
#include "tools/command.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/option_flags.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

constexpr int kTokensMax = 1 << 24;
constexpr int kRoundsMax = 1000;
constexpr int kParallelMax = 256;

struct BenchArgs {
  ModelArgs model;
  std::vector<std::string> kv;
  std::vector<double> sparse;
  eval::SpeedOptions options;
  bool no_limits = false;
  std::string plot;
  BenchFormat format = BenchFormat::kTable;
  Codecs codecs;
};

void print_step(const eval::SpeedStep& step) {
  const std::string round = fmt::format("round {} of {}", step.round, step.rounds);
  if (step.kv == nullptr) {
    fmt::print(stderr, "{}, limits: memory {:.1f} GB/s, int8 {:.1f} G operations/s\n", round,
               step.limits->read_bytes_per_second / 1e9, step.limits->int8_ops_per_second / 1e9);
    return;
  }
  std::string line = fmt::format("{}, {}, depth {}:", round, kv_name(*step.kv), step.row->depth);
  const auto add = [&](const char* name, const eval::SpeedRun& run) {
    if (run.tokens > 0) line += fmt::format(" {} {:.1f} tokens/s", name, run.tokens / run.seconds.back());
  };
  add("prompt", step.row->prompt);
  add("decode", step.row->decode);
  add("together", step.row->together);
  fmt::print(stderr, "{}\n", line);
}

void bench(const BenchArgs& args) {
  eval::SpeedOptions options = args.options;
  options.threads = args.model.threads;
  options.limits = !args.no_limits;
  const std::vector<std::string> f16 = {"f16"};
  for (const std::string& kv : args.kv.empty() ? f16 : args.kv) options.caches.push_back(parse_kv(kv, args.codecs));
  options.caches = with_sparse(options.caches, args.sparse);
  std::optional<OutputFile> plot;
  if (!args.plot.empty()) plot.emplace(args.plot);
  const Model model = args.model.load();
  BenchReport report;
  report.model_file = args.model.path;
  report.model = model.info();
  report.arithmetic = args.model.arithmetic;
  report.threads =
      options.threads != 0 ? options.threads : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  report.rounds = options.rounds;
  report.result = measure_speed(model, options, print_step);
  if (args.format == BenchFormat::kJson) {
    write_json(bench_json(report));
  } else {
    write_output(bench_text(report, args.format));
  }
  if (plot) {
    plot->write(eval::speed_charts(report.result));
    plot->finish();
  }
}

void add_workload_to(Command& app, BenchArgs& args) {
  app.add_option("--prompt", args.options.prompt, "Tokens of the prompt at each depth; 0: none; default 512")
      ->range(0, kTokensMax)
      ->type_name("N");
  app.add_option("--gen", args.options.decode, "Tokens decoded one by one after that; 0: none; default 64")
      ->range(0, kTokensMax)
      ->type_name("N");
  app.add_option("--depth", args.options.depths, "Tokens in the context before the prompt; default 0")
      ->delimiter(',')
      ->range(0, kTokensMax)
      ->type_name("N,...");
  app.add_option("--parallel", args.options.parallel,
                 "Sessions that decode together as well, in one batch; default 1: only one alone")
      ->range(1, kParallelMax)
      ->type_name("N");
  app.add_option("--rounds", args.options.rounds, "How often to measure everything; default 3")
      ->range(1, kRoundsMax)
      ->type_name("N");
  add_flag<&SessionOptions::context>(app, args.options.context);
  app.add_flag("--no-limits", args.no_limits, "Do not measure the limits of the machine");
}

}  // namespace

void add_bench(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("bench", "Measure how fast prompts and tokens run with each KV cache, by depth");
  const auto args = std::make_shared<BenchArgs>();
  args->codecs = codecs;
  args->model.add_to(*command);
  add_kv_list(*command, args->kv, codecs, "f16");
  add_sparse(*command, args->sparse);
  add_workload_to(*command, *args);
  command->add_choice("--format", args->format,
                      {{"table", BenchFormat::kTable},
                       {"json", BenchFormat::kJson},
                       {"csv", BenchFormat::kCsv},
                       {"markdown", BenchFormat::kMarkdown}},
                      "How results are written; default table");
  command->add_option("--plot", args->plot, "Write charts to this file, as SVG")->type_name("FILE");
  command->callback([args, &action] {
    if (args->options.prompt == 0 && args->options.decode == 0) {
      fail_missing("a --prompt or --gen above 0");
    }
    action = [args] { bench(*args); };
  });
}

}  // namespace pith::tools
