#include "eval/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tools/byte_size.h"
#include "tools/command.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/output.h"
#include "tools/plan_output.h"

namespace pith::tools {
namespace {

constexpr int kSessionsMax = 1 << 16;
constexpr int kContextMax = 1 << 27;
/// One for each size, the finest first.
std::vector<std::string> usual_caches() { return {"f16", "int8", "int4", "int3", "int2"}; }

struct PlanArgs {
  std::string model;
  Arithmetic arithmetic = Arithmetic::kFast;
  std::string memory;
  std::vector<std::string> kv;
  int context = 0;
  int sessions = 1;
  int threads = 0;
  bool no_limits = false;
  std::string plot;
  Format format = Format::kText;
  Codecs codecs;
};

std::string check_memory(const std::string& text) {
  return parse_bytes(text) ? "" : fmt::format("'{}' is no size like 2GiB, 512MiB, 3.5GB or 2147483648", text);
}

void plan(const PlanArgs& args) {
  PlanReport report;
  eval::PlanOptions& options = report.options;
  report.usable_memory = usable_memory();
  options.memory = args.memory.empty() ? report.usable_memory : *parse_bytes(args.memory);
  options.sessions = args.sessions;
  options.context = args.context;
  for (const std::string& kv : args.kv.empty() ? usual_caches() : args.kv) {
    options.caches.push_back(parse_kv(kv, args.codecs));
  }
  std::optional<OutputFile> plot;
  if (!args.plot.empty()) plot.emplace(args.plot);
  const ModelOutline model = ModelOutline::read(args.model, {.arithmetic = args.arithmetic});
  report.model_file = args.model;
  report.file_bytes = model.file_bytes();
  report.arithmetic = args.arithmetic;
  report.model = model.info();
  // Names and sizes are checked before time goes into measuring.
  report.result = make_plan(model, options, std::nullopt);
  if (!args.no_limits) {
    report.limits = eval::measure_plan_limits(report.model, args.threads);
    report.result = make_plan(model, options, report.limits);
  }
  if (args.format == Format::kJson) {
    write_json(plan_json(report));
  } else {
    write_output(plan_text(report));
  }
  if (plot) {
    plot->write(plan_chart(report.model, options, report.result));
    plot->finish();
  }
}

void add_question_to(Command& command, PlanArgs& args) {
  command
      .add_option("--memory", args.memory,
                  "What everything may take, like 2GiB, 512MiB or 3.5GB; by default all that this process may use")
      ->check(check_memory)
      ->type_name("SIZE");
  add_kv_list(command, args.kv, args.codecs, "f16, int8, int4, int3 and int2");
  command
      .add_option("--context", args.context,
                  "Say what N tokens would take; 0 (the default): the longest context that fits")
      ->range(0, kContextMax)
      ->type_name("N");
  command.add_option("--sessions", args.sessions, "Sequences held at once, each with such a context; default 1")
      ->range(1, kSessionsMax)
      ->type_name("N");
}

}  // namespace

void add_plan(Command& app, Action& action, const Codecs& codecs) {
  auto* command = app.add_subcommand("plan", "Say which context fits into a memory with each KV cache, and how fast");
  const auto args = std::make_shared<PlanArgs>();
  args->codecs = codecs;
  command->add_option("model,-m,--model", args->model, "The model's GGUF file (of a sharded model, its first)")
      ->required()
      ->type_name("FILE");
  add_question_to(*command, *args);
  add_arithmetic(*command, args->arithmetic);
  add_threads(*command, args->threads);
  command->add_flag("--no-limits", args->no_limits, "Do not measure what the machine can do; speeds are left out");
  add_format(*command, args->format);
  command->add_option("--plot", args->plot, "Write a chart of memory by context to this file, as SVG")
      ->type_name("FILE");
  command->callback([args, &action] { action = [args] { plan(*args); }; });
}

}  // namespace pith::tools
