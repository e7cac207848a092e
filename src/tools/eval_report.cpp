#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pith/pith.h>

#include <ctime>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "eval/report.h"
#include "options/model_options.h"
#include "tools/eval.h"
#include "tools/files.h"
#include "tools/model_args.h"

namespace pith::tools {
namespace {

constexpr int kRepeatsMax = 10000;
constexpr int kVectorsMax = 1 << 24;

struct ReportArgs {
  ModelArgs model;
  std::vector<std::string> texts;
  std::vector<std::string> kv;
  std::string haystack;
  std::string out;
  int context = 2048;
  int chunks = 2;
  std::vector<std::size_t> lengths = {1024, 2048, 4096};
  std::vector<double> depths = {0, 25, 50, 75, 100};
  std::size_t repeats = 1;
  std::size_t vectors = eval::DistortionOptions{}.vectors;
  bool no_distortion = false;
  std::vector<std::string> evict_policies;
  std::vector<double> evict_ratios = eval::EvictionSetup{}.ratios;
  std::string evict_kv = "f16";
  std::uint64_t evict_stream = 0;
  Policies policies;
  Codecs codecs;
};

void print_kl(const eval::KlStep& step) { fmt::print(stderr, "KL: chunk {} of {}\n", step.done, step.total); }

void print_needle(const eval::NeedleStep& step) {
  fmt::print(stderr, "passkeys: {} of {} (length {}, depth {:g} %, {})\n", step.done, step.total, step.length,
             step.depth, kv_name(step.kv));
}

eval::KlResult measure_kl_of(const Model& model, const ReportArgs& args, const std::vector<KvOptions>& caches) {
  eval::KlOptions options;
  options.context = args.context;
  options.chunks = args.chunks;
  options.threads = args.model.threads;
  options.codecs = caches;
  options.floor = parse_kv("f32-rotated", args.codecs);
  for (const std::string& path : args.texts) options.texts.push_back({path, read_text(path)});
  return measure_kl(model, options, print_kl);
}

eval::NeedleResult measure_needle_of(const Model& model, const ReportArgs& args, const std::vector<KvOptions>& caches) {
  eval::NeedleOptions options;
  options.lengths = args.lengths;
  options.depths = args.depths;
  options.repeats = args.repeats;
  options.codecs = caches;
  options.threads = args.model.threads;
  return measure_needle(model, eval::read_haystack(args.haystack), options, print_needle);
}

std::vector<eval::Distortion> measure_distortion_of(const ReportArgs& args) {
  eval::DistortionOptions options;
  options.registry = args.codecs;
  options.vectors = args.vectors;
  return measure_distortion(options, [](const std::vector<eval::Distortion>& of_size) {
    fmt::print(stderr, "distortion: size {}\n", of_size.front().shape.size);
  });
}

void print_eviction(const eval::EvictionStep& step) {
  fmt::print(stderr, "eviction: {} of {}: {}\n", step.done, step.total, step.what);
}

/// Of the first text, and of the haystack, whichever there are.
void measure_eviction_of(const Model& model, const ReportArgs& args, eval::ReportParts& parts) {
  eval::EvictionSetup setup;
  setup.policies = args.evict_policies;
  setup.ratios = args.evict_ratios;
  setup.common.registry = args.policies;
  setup.kv = parse_kv(args.evict_kv, args.codecs);
  setup.threads = args.model.threads;
  if (!args.texts.empty()) {
    const eval::KlText text{args.texts.front(), read_text(args.texts.front())};
    const eval::EvictionKlOptions options{setup, text, args.context, args.chunks};
    parts.eviction_kl = measure_eviction_kl(model, options, print_eviction);
    if (args.evict_stream != 0) {
      eval::EvictionStreamOptions stream;
      stream.setup = setup;
      stream.stream_tokens = args.evict_stream;
      parts.eviction_stream = measure_eviction_stream(model, text.text, stream, print_eviction);
    }
  }
  if (args.haystack.empty()) return;
  eval::EvictionNeedleOptions options;
  options.setup = setup;
  options.lengths = args.lengths;
  options.depths = args.depths;
  options.repeats = args.repeats;
  parts.eviction_needle = measure_eviction_needle(model, eval::read_haystack(args.haystack), options, print_eviction);
}

/// As a shell reads it back. Of a path, the name: folders are other people's.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/,+=:-";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string file_word(const std::string& path) {
  const std::filesystem::path name = std::filesystem::path(path).lexically_normal();
  return shell_word((name.has_filename() ? name : name.parent_path()).filename().string());
}

/// What the page's own command says of eviction; adds the commands of its parts.
std::string eviction_commands(const ReportArgs& args, const std::string& model, std::vector<std::string>& parts) {
  if (args.evict_policies.empty()) return "";
  const std::string ratios = fmt::format("{:g}", fmt::join(args.evict_ratios, ","));
  const std::string policies = fmt::format("{}", fmt::join(args.evict_policies, ","));
  const std::string start = fmt::format("pith eval eviction{} --policies {} --ratios {} --kv {}", model,
                                        shell_word(policies), ratios, shell_word(args.evict_kv));
  if (!args.texts.empty()) {
    const std::string text = " --text " + file_word(args.texts.front());
    parts.push_back(fmt::format("{} --task kl{} --context {} --chunks {}", start, text, args.context, args.chunks));
    if (args.evict_stream != 0) {
      parts.push_back(fmt::format("{} --task stream{} --stream-tokens {}", start, text, args.evict_stream));
    }
  }
  if (!args.haystack.empty()) {
    parts.push_back(fmt::format("{} --task needle --haystack {} --lengths {} --depths {:g} --repeats {}", start,
                                file_word(args.haystack), fmt::join(args.lengths, ","), fmt::join(args.depths, ","),
                                args.repeats));
  }
  std::string whole = fmt::format(" --evict-policies {} --evict-ratios {} --evict-kv {}", shell_word(policies), ratios,
                                  shell_word(args.evict_kv));
  if (args.evict_stream != 0) whole += fmt::format(" --evict-stream {}", args.evict_stream);
  return whole;
}

/// The command of the page, and those of its parts.
std::vector<std::string> commands_of(const ReportArgs& args) {
  std::string model = " -m " + file_word(args.model.path);
  if (args.model.arithmetic == Arithmetic::kF32) model += " --arithmetic f32";
  if (args.model.threads != 0) model += fmt::format(" --threads {}", args.model.threads);
  std::string kv;
  for (const std::string& each : args.kv) kv += " --kv " + shell_word(each);
  std::string whole = "pith eval report" + model + " --out " + file_word(args.out);
  std::vector<std::string> parts;
  if (!args.texts.empty()) {
    std::string kl;
    for (const std::string& text : args.texts) kl += " --text " + file_word(text);
    kl += fmt::format(" --context {} --chunks {}", args.context, args.chunks);
    whole += kl;
    parts.push_back("pith eval kl" + model + kl + kv);
  }
  if (!args.haystack.empty()) {
    const std::string needle =
        fmt::format(" --haystack {} --lengths {} --depths {:g} --repeats {}", file_word(args.haystack),
                    fmt::join(args.lengths, ","), fmt::join(args.depths, ","), args.repeats);
    whole += needle;
    parts.push_back("pith eval needle" + model + needle + kv);
  }
  whole += eviction_commands(args, model, parts);
  if (args.no_distortion) {
    whole += " --no-distortion";
  } else {
    const std::string vectors = fmt::format(" --vectors {}", args.vectors);
    whole += vectors;
    parts.push_back("pith eval distortion" + vectors);
  }
  parts.insert(parts.begin(), whole + kv);
  return parts;
}

void report(const ReportArgs& args) {
  OutputFile file(args.out);
  std::vector<KvOptions> caches;
  caches.reserve(args.kv.size());
  for (const std::string& kv : args.kv) caches.push_back(parse_kv(kv, args.codecs));
  const Model model = args.model.load();
  const ModelInfo& info = model.info();
  eval::ReportParts parts;
  parts.facts = {
      fmt::format("model: {} ({}, {} layers, {} query heads on {} KV heads of {})", info.name, info.weight_type,
                  info.layers, info.heads, info.kv_heads, info.head_size),
      fmt::format("arithmetic: {}", options::word(args.model.arithmetic)),
      fmt::format("pith {}, {:%Y-%m-%d}", PITH_VERSION, fmt::gmtime(std::time(nullptr))),
  };
  parts.commands = commands_of(args);
  if (!args.texts.empty()) parts.kl = measure_kl_of(model, args, caches);
  if (!args.haystack.empty()) parts.needle = measure_needle_of(model, args, caches);
  if (!args.evict_policies.empty()) measure_eviction_of(model, args, parts);
  if (!args.no_distortion) parts.distortion = measure_distortion_of(args);
  file.write(report_html(parts));
  file.finish();
}

void add_eviction_to(Command& app, ReportArgs& args, const Known& known) {
  args.policies = known.policies;
  app.add_option("--evict-policies", args.evict_policies,
                 fmt::format("Eviction policies to compare on the first text and on passkeys: {}; none by default; "
                             "random and window are always among them",
                             policy_list(known.policies)))
      ->delimiter(',')
      ->type_name("NAME,...");
  app.add_option("--evict-ratios", args.evict_ratios, "Shares that they evict; default 0.25,0.5,0.75,0.9")
      ->delimiter(',')
      ->type_name("X,...");
  app.add_option("--evict-kv", args.evict_kv, "The KV cache that they evict from; default f16")
      ->type_name("TYPE")
      ->suggests(codec_names(known.codecs));
  app.add_option("--evict-stream", args.evict_stream, "Tokens of the first text to stream; 0 (the default): none")
      ->type_name("N");
}

}  // namespace

void add_eval_report(Command& app, Action& action, const Known& known) {
  auto* command =
      app.add_subcommand("report", "Write KL, passkeys, eviction and distortion as one HTML page with plots");
  const auto args = std::make_shared<ReportArgs>();
  args->codecs = known.codecs;
  args->model.add_to(*command);
  command->add_option("--out", args->out, "The HTML file to write")->required()->type_name("FILE");
  command->add_option("--text", args->texts, "A text for KL; may be given more than once")
      ->one_value()
      ->type_name("FILE");
  command->add_option("--context", args->context, "Tokens in a chunk of it; default 2048")
      ->range(4, 1 << 24)
      ->type_name("N");
  command->add_option("--chunks", args->chunks, "Chunks of each text; 0: all; default 2")
      ->not_negative()
      ->type_name("N");
  command->add_option("--haystack", args->haystack, "A text, or a folder of .txt files, to hide passkeys in")
      ->type_name("PATH");
  command->add_option("--lengths", args->lengths, "Tokens of such texts; default 1024,2048,4096")
      ->delimiter(',')
      ->type_name("N,...");
  command->add_option("--depths", args->depths, "Where passkeys are, in per cent; default 0,25,50,75,100")
      ->delimiter(',')
      ->type_name("P,...");
  command->add_option("--repeats", args->repeats, "Passkeys for each length and depth; default 1")
      ->range(1, kRepeatsMax)
      ->type_name("N");
  add_kv_list(*command, args->kv, known.codecs)->required();
  command->add_option("--vectors", args->vectors, "Random vectors of each size for distortion; default 8192")
      ->range(1, kVectorsMax)
      ->type_name("N");
  command->add_flag("--no-distortion", args->no_distortion, "Leave distortion out");
  add_eviction_to(*command, *args, known);
  command->callback([args, &action] { action = [args] { report(*args); }; });
}

}  // namespace pith::tools
