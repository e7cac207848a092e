#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eval/needle.h"
#include "eval/needle_map.h"
#include "options/model_options.h"
#include "tools/eval.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

constexpr int kLengthMax = 1 << 24;
constexpr int kRepeatsMax = 10000;

struct NeedleArgs {
  ModelArgs model;
  std::string haystack;
  std::vector<std::string> kv;
  std::string baseline = "f32";
  eval::NeedleOptions options;
  std::string plot;
  Format format = Format::kText;
  EvictionArgs eviction;
  Codecs codecs;
};

void print_step(const eval::NeedleStep& step) {
  fmt::print(stderr, "{} of {}: length {}, depth {:g} %, {}: log-probability {:.4f}, rank {}\n", step.done, step.total,
             step.length, step.depth, kv_name(step.kv), step.score.log_probability, step.score.rank);
}

/// All caches, the baseline first.
std::vector<const eval::NeedleGrid*> grids_of(const eval::NeedleResult& result) {
  std::vector<const eval::NeedleGrid*> grids = {&result.baseline};
  for (const eval::NeedleGrid& grid : result.codecs) grids.push_back(&grid);
  return grids;
}

std::string cell_lines(const eval::NeedleResult& result, std::size_t name_width) {
  std::string text = fmt::format(
      "{:<{}}  length  depth %  log-probability  difference  by passkey  relative %  probability %  rank  recall %\n",
      "KV", name_width);
  for (const eval::NeedleGrid* grid : grids_of(result)) {
    for (std::size_t i = 0; i < grid->cells.size(); ++i) {
      const eval::NeedleCell& cell = grid->cells[i];
      const eval::NeedleCell& baseline = result.baseline.cells[i];
      text += fmt::format(
          "{:<{}}  {:>6}  {:>7g}  {:>15.5f}  {:>10.5f}  {:>10.5f}  {:>10.3f}  {:>13.3f}  {:>4}  {:>8.0f}\n",
          grid->name(), name_width, cell.length, cell.depth, cell.log_probability(), difference(cell, baseline),
          passkey_difference(cell, baseline), 100 * relative_difference(cell, baseline),
          100 * probability_change(cell, baseline), cell.rank_worst(), 100 * cell.recall());
    }
  }
  return text;
}

std::string summary_lines(const eval::NeedleResult& result, std::size_t name_width) {
  std::string text = fmt::format(
      "{:<{}}  length    bits  log-probability  difference      +/-  by passkey: mean    worst  relative %: mean    "
      "worst  probability %: mean    worst  rank  recall %\n",
      "KV", name_width);
  for (const eval::NeedleGrid* grid : grids_of(result)) {
    for (const eval::NeedleSummary& row : grid->summaries) {
      text += fmt::format(
          "{:<{}}  {:>6}  {:>6.3f}  {:>15.5f}  {:>10.5f}  {:>7.5f}  {:>16.5f}  {:>7.5f}  {:>16.3f}  {:>7.3f}  "
          "{:>19.3f}  "
          "{:>7.3f}  {:>4}  {:>8.0f}\n",
          grid->name(), name_width, row.length, row.bits, row.log_probability, row.difference,
          row.difference_standard_error, row.passkey_difference_mean, row.passkey_difference_worst,
          100 * row.relative_difference_mean, 100 * row.relative_difference_worst, 100 * row.probability_change_mean,
          100 * row.probability_change_worst, row.rank_worst, 100 * row.recall);
    }
  }
  return text;
}

void write_text(const eval::NeedleResult& result) {
  std::size_t width = 2;
  for (const eval::NeedleGrid* grid : grids_of(result)) width = std::max(width, grid->name().size());
  std::string text = cell_lines(result, width) + '\n' + summary_lines(result, width);
  const EvictionOptions& eviction = result.options.eviction;
  if (!eviction.policy.empty()) text += fmt::format("evicted by {}\n", eviction_name(eviction));
  write_output(text);
}

Json to_json(const eval::NeedleGrid& grid, const eval::NeedleGrid& baseline) {
  Json json;
  json["kv"] = grid.name();
  json["kv_key"] = grid.kv.key;
  json["kv_value"] = grid.kv.value;
  for (std::size_t i = 0; i < grid.cells.size(); ++i) {
    const eval::NeedleCell& cell = grid.cells[i];
    Json row;
    row["length"] = cell.length;
    row["depth"] = cell.depth;
    row["depth_placed"] = cell.depth_placed;
    row["log_probability"] = cell.log_probability();
    row["difference"] = difference(cell, baseline.cells[i]);
    row["passkey_difference"] = passkey_difference(cell, baseline.cells[i]);
    row["probability_change"] = probability_change(cell, baseline.cells[i]);
    row["relative_difference"] = relative_difference(cell, baseline.cells[i]);
    row["rank_worst"] = cell.rank_worst();
    row["recall"] = cell.recall();
    for (const eval::NeedleScore& score : cell.scores) {
      row["log_probabilities"].push_back(score.log_probability);
      row["ranks"].push_back(score.rank);
    }
    json["cells"].push_back(row);
  }
  for (const eval::NeedleSummary& summary : grid.summaries) {
    Json row;
    row["length"] = summary.length;
    row["bits"] = summary.bits;
    row["log_probability"] = summary.log_probability;
    row["difference"] = summary.difference;
    row["difference_standard_error"] = summary.difference_standard_error;
    row["passkey_difference_mean"] = summary.passkey_difference_mean;
    row["passkey_difference_worst"] = summary.passkey_difference_worst;
    row["difference_mean"] = summary.difference_mean;
    row["difference_worst"] = summary.difference_worst;
    row["relative_difference_mean"] = summary.relative_difference_mean;
    row["relative_difference_worst"] = summary.relative_difference_worst;
    row["probability_change_mean"] = summary.probability_change_mean;
    row["probability_change_worst"] = summary.probability_change_worst;
    row["rank_worst"] = summary.rank_worst;
    row["recall"] = summary.recall;
    json["summary"].push_back(row);
  }
  return json;
}

void write_result_json(const NeedleArgs& args, const eval::NeedleResult& result, double seconds) {
  Json json;
  json["lengths"] = result.options.lengths;
  json["depths"] = result.options.depths;
  json["needle"] = result.options.text.needle;
  json["question"] = result.options.text.question;
  json["seed"] = result.options.seed;
  json["passkeys"] = result.passkeys;
  json["arithmetic"] = options::word(args.model.arithmetic);
  json["seconds"] = seconds;
  json["eviction"] = eviction_json(result.options.eviction);
  json["baseline"] = to_json(result.baseline, result.baseline);
  json["codecs"] = Json::array();
  for (const eval::NeedleGrid& grid : result.codecs) json["codecs"].push_back(to_json(grid, result.baseline));
  write_json(json);
}

void needle(const NeedleArgs& args) {
  std::optional<OutputFile> plot;
  if (!args.plot.empty()) plot.emplace(args.plot);
  const std::string haystack = eval::read_haystack(args.haystack);
  eval::NeedleOptions options = args.options;
  options.threads = args.model.threads;
  options.eviction = args.eviction.options();
  options.baseline = parse_kv(args.baseline, args.codecs);
  for (const std::string& kv : args.kv) options.codecs.push_back(parse_kv(kv, args.codecs));
  const Model model = args.model.load();
  const auto start = std::chrono::steady_clock::now();
  const eval::NeedleResult result = measure_needle(model, haystack, options, print_step);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (args.format == Format::kJson) {
    write_result_json(args, result, seconds.count());
  } else {
    write_text(result);
  }
  if (plot) {
    plot->write(eval::needle_map(result));
    plot->finish();
  }
}

std::string check_needle(const std::string& text) {
  return text.find("{}") == std::string::npos ? "the needle has no {} for the passkey" : "";
}

void add_text_to(Command& app, NeedleArgs& args) {
  app.add_option("--haystack", args.haystack, "A text, or a folder: its .txt files in the order of their names")
      ->required()
      ->type_name("PATH");
  app.add_option("--needle", args.options.text.needle, "The sentence to hide; {} stands for the passkey")
      ->check(check_needle)
      ->type_name("TEXT");
  app.add_option("--question", args.options.text.question, "The question at the end; the answer is the passkey")
      ->type_name("TEXT");
  app.add_option("--seed", args.options.seed, "Seed of the passkeys; default 0")->type_name("N");
  app.add_option("--repeats", args.options.repeats, "Passkeys for each length and depth; default 1")
      ->range(1, kRepeatsMax)
      ->type_name("N");
}

}  // namespace

void add_eval_needle(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand(
      "needle", "Measure how well a passkey in a long text is found with each KV cache, by depth and length");
  const auto args = std::make_shared<NeedleArgs>();
  args->codecs = known.codecs;
  args->model.add_to(*command);
  add_text_to(*command, *args);
  command
      ->add_option("--lengths", args->options.lengths,
                   "Tokens, question and answer included; default 1024,2048,4096,8192")
      ->delimiter(',')
      ->range(1, kLengthMax)
      ->type_name("N,...");
  command
      ->add_option("--depths", args->options.depths,
                   "Where the needle is, in per cent of the text; default 0,25,50,75,100")
      ->delimiter(',')
      ->range(0.0, 100.0)
      ->type_name("X,...");
  add_kv_list(*command, args->kv, known.codecs);
  command->add_option("--baseline", args->baseline, "The cache to compare with; default f32")
      ->type_name("TYPE")
      ->suggests(codec_names(known.codecs));
  command->add_option("--plot", args->plot, "Write heat maps to this file, as SVG")->type_name("FILE");
  args->eviction.add_to(*command, known.policies);
  add_format(*command, args->format);
  command->callback([args, &action] { action = [args] { needle(*args); }; });
}

}  // namespace pith::tools
