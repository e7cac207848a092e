#include <fmt/format.h>
#include <pith/pith.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "eval/cache_name.h"
#include "eval/kl.h"
#include "eval/kl_chart.h"
#include "eval/text_chunks.h"
#include "options/model_options.h"
#include "tools/eval.h"
#include "tools/files.h"
#include "tools/model_args.h"
#include "tools/output.h"

namespace pith::tools {
namespace {

struct KlArgs {
  ModelArgs model;
  std::vector<std::string> texts;
  std::vector<std::string> kv;
  std::vector<double> sparse;
  int decode = 0;
  std::string baseline = "f32";
  std::string floor = "f32-rotated";
  bool no_floor = false;
  int context = 2048;
  int chunks = 0;
  Format format = Format::kText;
  std::string plot;
  EvictionArgs eviction;
  Codecs codecs;
};

void print_step(const eval::KlStep& step) {
  std::string line = fmt::format("chunk {} of {}", step.done, step.total);
  for (const auto& row : step.rows)
    line += fmt::format(", {} {:.4g}", eval::cache_name(row.kv, row.is_floor), row.mean);
  fmt::print(stderr, "{} ({:.0f} tokens/s)\n", line, step.tokens_per_second);
}

/// A table of one text, or of all.
std::string table(const std::vector<eval::KlRow>& rows, const std::vector<eval::KlFigures>& figures) {
  std::size_t width = 2;
  for (const eval::KlRow& row : rows) width = std::max(width, eval::cache_name(row.kv, row.is_floor).size());
  std::string text = fmt::format(
      "{:<{}}    bits  bits 8k     mean KL   +/-         median        90 %        99 %      99.9 %         max  top-1 "
      "%"
      "   perplexity   ratio\n",
      "KV", width);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const eval::KlFigures& f = figures[i];
    text += fmt::format(
        "{:<{}}  {:>6.3f}  {:>7.3f}  {:>10.4g}  {:<8.2g}  {:>10.4g}  {:>10.4g}  {:>10.4g}  {:>10.4g}  {:>10.4g}"
        "  {:>7.2f}  {:>11.5g}  {:>6.4f}\n",
        eval::cache_name(rows[i].kv, rows[i].is_floor), width, rows[i].bits, rows[i].bits_8k, f.mean, f.standard_error,
        f.median, f.percentile_90, f.percentile_99, f.percentile_99_9, f.largest, 100 * f.top_agreement, f.perplexity,
        f.perplexity_ratio);
  }
  return text;
}

std::string chunks_of(std::size_t count) { return fmt::format("{} chunk{}", count, count == 1 ? "" : "s"); }

void write_text(const eval::KlResult& result, const EvictionOptions& eviction) {
  std::vector<eval::KlFigures> figures;
  figures.reserve(result.rows.size());
  std::string text;
  for (std::size_t i = 0; result.texts.size() > 1 && i < result.texts.size(); ++i) {
    figures.clear();
    for (const eval::KlRow& row : result.rows) figures.push_back(row.texts[i]);
    text += fmt::format("{} ({})\n{}\n", result.texts[i].name, chunks_of(result.texts[i].chunks),
                        table(result.rows, figures));
  }
  figures.clear();
  for (const eval::KlRow& row : result.rows) figures.push_back(row.total);
  if (result.texts.size() > 1) text += "all texts\n";
  text += table(result.rows, figures);
  text += fmt::format("against {}, perplexity {:.5g}; {} of {} tokens, {} scored\n", kv_name(result.baseline),
                      result.rows.front().total.baseline_perplexity, chunks_of(result.chunks), result.context,
                      result.tokens_scored);
  if (!eviction.policy.empty()) text += fmt::format("evicted by {}\n", eviction_name(eviction));
  write_output(text);
}

Json to_json(const eval::KlFigures& figures) {
  Json json;
  json["tokens_scored"] = figures.count;
  json["mean_kl"] = figures.mean;
  json["standard_error"] = figures.standard_error;
  json["median"] = figures.median;
  json["percentile_90"] = figures.percentile_90;
  json["percentile_99"] = figures.percentile_99;
  json["percentile_99_9"] = figures.percentile_99_9;
  json["max"] = figures.largest;
  json["top_agreement"] = figures.top_agreement;
  json["perplexity"] = figures.perplexity;
  json["baseline_perplexity"] = figures.baseline_perplexity;
  json["perplexity_ratio"] = figures.perplexity_ratio;
  json["perplexity_ratio_standard_error"] = figures.perplexity_ratio_standard_error;
  return json;
}

Json to_json(const eval::KlRow& row, const std::vector<eval::KlTextInfo>& texts) {
  Json json;
  json["name"] = eval::cache_name(row.kv, row.is_floor);
  json["kv_key"] = row.kv.key;
  json["kv_value"] = row.kv.value;
  json["read_share"] = row.kv.read_share;
  json["noise_floor"] = row.is_floor;
  json["bits"] = row.bits;
  json["bits_8k"] = row.bits_8k;
  json.update(to_json(row.total));
  for (std::size_t i = 0; i < texts.size(); ++i) json["texts"][texts[i].name] = to_json(row.texts[i]);
  return json;
}

void write_result_json(const KlArgs& args, const ModelInfo& model, const eval::KlResult& result, double seconds) {
  Json json;
  json["model"] = model.name;
  json["model_file"] = args.model.path;
  json["weight_type"] = model.weight_type;
  json["arithmetic"] = options::word(args.model.arithmetic);
  json["context"] = result.context;
  json["chunks"] = result.chunks;
  json["decode"] = args.decode;
  json["tokens_scored"] = result.tokens_scored;
  json["seconds"] = seconds;
  json["eviction"] = eviction_json(args.eviction.options());
  for (const eval::KlTextInfo& text : result.texts) {
    json["texts"][text.name] = {{"chunks", text.chunks}, {"tokens_scored", text.tokens_scored}};
  }
  json["baseline"] = {{"kv_key", result.baseline.key},
                      {"kv_value", result.baseline.value},
                      {"bits", result.baseline_bits},
                      {"perplexity", result.rows.front().total.baseline_perplexity}};
  for (const eval::KlRow& row : result.rows) json["results"].push_back(to_json(row, result.texts));
  write_json(json);
}

eval::KlOptions options_of(const KlArgs& args) {
  eval::KlOptions options;
  options.context = args.context;
  options.chunks = args.chunks;
  options.threads = args.model.threads;
  options.eviction = args.eviction.options();
  options.baseline = parse_kv(args.baseline, args.codecs);
  for (const std::string& kv : args.kv) options.codecs.push_back(parse_kv(kv, args.codecs));
  options.codecs = with_sparse(options.codecs, args.sparse);
  // With shares asked for, the baseline against itself says nothing.
  if (!args.sparse.empty()) {
    std::erase_if(options.codecs,
                  [&](const KvOptions& kv) { return eval::cache_name(kv) == eval::cache_name(options.baseline); });
  }
  options.decode = args.decode;
  if (!args.no_floor) options.floor = parse_kv(args.floor, args.codecs);
  for (const std::string& path : args.texts) options.texts.push_back({path, read_text(path)});
  return options;
}

void kl(const KlArgs& args) {
  std::optional<OutputFile> plot;
  if (!args.plot.empty()) plot.emplace(args.plot);
  const eval::KlOptions options = options_of(args);
  const Model model = args.model.load();
  const auto start = std::chrono::steady_clock::now();
  const eval::KlResult result = measure_kl(model, options, print_step);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  if (args.format == Format::kJson) {
    write_result_json(args, model.info(), result, seconds.count());
  } else {
    write_text(result, options.eviction);
  }
  if (plot) {
    plot->write(eval::kl_chart(result));
    plot->finish();
  }
}

}  // namespace

void add_eval_kl(Command& app, Action& action, const Known& known) {
  auto* command = app.add_subcommand(
      "kl", "Measure the KL divergence of a model's predictions with each KV cache from those with the exact cache");
  const auto args = std::make_shared<KlArgs>();
  args->codecs = known.codecs;
  args->model.add_to(*command);
  command->add_option("--text", args->texts, "A text; -: standard input; may be given more than once")
      ->required()
      ->one_value()
      ->type_name("FILE");
  command->add_option("--context", args->context, "Tokens in a chunk, of which the second half is scored; default 2048")
      ->range(eval::TextChunks::kContextMin, eval::TextChunks::kContextMax)
      ->type_name("N");
  command->add_option("--chunks", args->chunks, "Chunks of each text; 0 (the default): all of it")
      ->not_negative()
      ->type_name("N");
  add_kv_list(*command, args->kv, known.codecs)->required();
  add_sparse(*command, args->sparse);
  command
      ->add_option("--decode", args->decode,
                   "Score only the last N predictions of each chunk, and feed their tokens one by one")
      ->not_negative()
      ->type_name("N");
  command->add_option("--baseline", args->baseline, "The cache to compare with; default f32")
      ->type_name("TYPE")
      ->suggests(codec_names(known.codecs));
  auto* floor =
      command->add_option("--floor", args->floor, "The cache that shows what rounding alone does; default f32-rotated");
  floor->type_name("TYPE")->suggests(codec_names(known.codecs));
  command->add_flag("--no-floor", args->no_floor, "Leave out the noise floor")->excludes(floor);
  command->add_option("--plot", args->plot, "Write a chart of KL by bits to this file, as SVG")->type_name("FILE");
  args->eviction.add_to(*command, known.policies);
  add_format(*command, args->format);
  command->callback([args, &action] {
    // Tokens that are fed together read everything.
    if (!args->sparse.empty() && args->decode == 0) fail_missing("a --decode above 0 beside --sparse");
    action = [args] { kl(*args); };
  });
}

}  // namespace pith::tools
