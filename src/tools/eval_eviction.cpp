#include <fmt/format.h>
#include <pith/pith.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "eval/haystack.h"
#include "eval/text_chunks.h"
#include "options/model_options.h"
#include "tools/eval.h"
#include "tools/eval_eviction_output.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

constexpr int kLengthMax = 1 << 24;
constexpr int kRepeatsMax = 10000;

enum class Task { kNeedle, kStream, kKl };

struct EvalEvictionArgs {
  ModelArgs model;
  EvictionArgs parts;
  Task task = Task::kKl;
  std::vector<std::string> policies;
  std::vector<double> ratios = eval::EvictionSetup{}.ratios;
  std::string kv = "f16";
  std::string text;
  std::string haystack;
  int context = eval::EvictionKlOptions{}.context;
  int chunks = eval::EvictionKlOptions{}.chunks;
  eval::EvictionNeedleOptions needle;
  std::uint64_t seed = 0;
  std::uint64_t budget = eval::EvictionStreamOptions{}.budget;
  std::uint64_t stream_tokens = eval::EvictionStreamOptions{}.stream_tokens;
  std::uint64_t block_tokens = 0;
  Format format = Format::kText;
  Codecs codecs;
};

void print_step(const eval::EvictionStep& step) {
  fmt::print(stderr, "{} of {}: {}\n", step.done, step.total, step.what);
}

eval::EvictionSetup setup_of(const EvalEvictionArgs& args) {
  eval::EvictionSetup setup;
  setup.policies = args.policies;
  if (setup.policies.empty()) {
    setup.policies = builtin_policies();
    const std::vector<std::string> own =
        args.parts.policies == nullptr ? std::vector<std::string>{} : args.parts.policies->policies();
    setup.policies.insert(setup.policies.end(), own.begin(), own.end());
  }
  setup.ratios = args.ratios;
  setup.common = args.parts.options();
  setup.common.seed = args.seed;
  setup.kv = parse_kv(args.kv, args.codecs);
  setup.threads = args.model.threads;
  return setup;
}

eval::EvictionKlResult measure_kl_task(const Model& model, const EvalEvictionArgs& args) {
  eval::EvictionKlOptions options;
  options.setup = setup_of(args);
  options.text = {args.text, read_text(args.text)};
  options.context = args.context;
  options.chunks = args.chunks;
  return measure_eviction_kl(model, options, print_step);
}

eval::EvictionNeedleResult measure_needle_task(const Model& model, const EvalEvictionArgs& args) {
  eval::EvictionNeedleOptions options = args.needle;
  options.setup = setup_of(args);
  options.seed = args.seed;
  return measure_eviction_needle(model, eval::read_haystack(args.haystack), options, print_step);
}

eval::EvictionStreamResult measure_stream_task(const Model& model, const EvalEvictionArgs& args) {
  eval::EvictionStreamOptions options;
  options.setup = setup_of(args);
  options.budget = args.budget;
  options.stream_tokens = args.stream_tokens;
  options.block_tokens = args.block_tokens;
  return measure_eviction_stream(model, eval::read_haystack(args.text), options, print_step);
}

template <typename Measure>
void run_task(const EvalEvictionArgs& args, const char* task, const Measure& measure) {
  const Model model = args.model.load();
  const auto start = std::chrono::steady_clock::now();
  const auto result = measure(model, args);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (args.format == Format::kText) return write_output(to_text(result));
  Json json;
  json["task"] = task;
  json["model"] = model.info().name;
  json["model_file"] = args.model.path;
  json["arithmetic"] = options::word(args.model.arithmetic);
  json["seconds"] = seconds.count();
  json.update(to_json(result));
  write_json(json);
}

void eviction(const EvalEvictionArgs& args) {
  switch (args.task) {
    case Task::kKl:
      return run_task(args, "kl", measure_kl_task);
    case Task::kNeedle:
      return run_task(args, "needle", measure_needle_task);
    case Task::kStream:
      return run_task(args, "stream", measure_stream_task);
  }
}

void add_common_to(Command& app, EvalEvictionArgs& args, const Known& known) {
  app.add_option("--policies", args.policies,
                 fmt::format("Policies: {}; random and window are always among them; default: all",
                             policy_list(known.policies)))
      ->delimiter(',')
      ->type_name("NAME,...");
  app.add_option("--ratios", args.ratios, "Shares of the tokens that are evicted; default 0.25,0.5,0.75,0.9")
      ->delimiter(',')
      ->type_name("X,...");
  add_kv(app, args.kv, known.codecs, "f16");
  app.add_option("--seed", args.seed, "Seed of random and of the passkeys; default 0")->type_name("N");
  args.parts.add_parts_to(app, known.policies);
}

void add_kl_and_stream_to(Command& app, EvalEvictionArgs& args) {
  app.add_option("--text", args.text, "kl, stream: a text (kl: -: standard input; stream: or a folder of .txt files)")
      ->type_name("FILE");
  app.add_option("--context", args.context,
                 "kl: tokens in a chunk; the first half is compacted, the second scored; default 2048")
      ->range(eval::TextChunks::kContextMin, eval::TextChunks::kContextMax)
      ->type_name("N");
  app.add_option("--chunks", args.chunks, "kl: chunks; 0: all that the text has; default 1")
      ->not_negative()
      ->type_name("N");
  app.add_option("--stream-tokens", args.stream_tokens, "stream: tokens in total; default 100000")->type_name("N");
  app.add_option("--block-tokens", args.block_tokens,
                 "stream: tokens of each block of figures; 0 (the default): a tenth")
      ->type_name("N");
  app.add_option("--budget", args.budget, "stream: tokens that a KV head holds at most; default 1024")->type_name("N");
}

void add_needle_to(Command& app, EvalEvictionArgs& args) {
  app.add_option("--haystack", args.haystack, "needle: a text, or a folder of .txt files")->type_name("PATH");
  app.add_option("--lengths", args.needle.lengths, "needle: tokens, answer included; default 1024,2048")
      ->delimiter(',')
      ->range(1, kLengthMax)
      ->type_name("N,...");
  app.add_option("--depths", args.needle.depths, "needle: where passkeys are, in per cent; default 0,25,50,75,100")
      ->delimiter(',')
      ->range(0.0, 100.0)
      ->type_name("X,...");
  app.add_option("--repeats", args.needle.repeats, "needle: passkeys for each length and depth; default 1")
      ->range(1, kRepeatsMax)
      ->type_name("N");
}

}  // namespace

void add_eval_eviction(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand(
      "eviction", "Measure what is still known after eviction policies evicted a share of the tokens");
  const auto args = std::make_shared<EvalEvictionArgs>();
  args->codecs = known.codecs;
  args->model.add_to(*command);
  static const std::vector<std::pair<std::string, Task>> tasks = {
      {"needle", Task::kNeedle}, {"stream", Task::kStream}, {"kl", Task::kKl}};
  command
      ->add_choice("--task", args->task, tasks,
                   "needle: passkeys, the question seen and not seen; stream: a text longer than what is held; kl: how "
                   "far what follows is from what follows on the whole context")
      ->required();
  add_common_to(*command, *args, known);
  add_kl_and_stream_to(*command, *args);
  add_needle_to(*command, *args);
  add_format(*command, args->format);
  command->callback([args, &action] {
    if (args->task == Task::kNeedle && args->haystack.empty()) fail_missing("--haystack");
    if (args->task != Task::kNeedle && args->text.empty()) fail_missing("--text");
    action = [args] { eviction(*args); };
  });
}

}  // namespace pith::tools
