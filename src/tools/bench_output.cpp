#include "tools/bench_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "options/model_options.h"
#include "tools/model_args.h"

namespace pith::tools {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;
constexpr double kGiga = 1e9;

using Cells = std::vector<std::string>;

/// A column: what tables and what csv call it, and how to fill it.
struct Column {
  std::string title;
  std::string csv_name;
};

const std::vector<Column>& columns() {
  static const std::vector<Column> all = {
      {"KV", "kv"},
      {"depth", "depth"},
      {"prompt/s", "prompt_tokens_per_second"},
      {"least", "prompt_tokens_per_second_low"},
      {"most", "prompt_tokens_per_second_high"},
      {"int8 %", "prompt_percent_of_int8"},
      {"at depth", "decode_depth"},
      {"decode/s", "decode_tokens_per_second"},
      {"least", "decode_tokens_per_second_low"},
      {"most", "decode_tokens_per_second_high"},
      {"memory %", "decode_percent_of_memory"},
      {"ns/context token", "decode_ns_per_context_token"},
      {"together/s", "together_tokens_per_second"},
      {"times one", "together_times_one"},
      {"KV tokens", "kv_tokens"},
      {"KV MiB", "kv_mebibytes"},
      {"KV bits", "kv_bits"},
  };
  return all;
}

/// Four digits, but whole numbers whole.
std::string number(double x) { return x >= 1000 ? fmt::format("{:.0f}", x) : fmt::format("{:.4g}", x); }

/// Cells without a figure are empty.
Cells cells_of(const eval::SpeedCache& cache, const eval::SpeedRow& row, const eval::SpeedResult& result) {
  Cells cells = {kv_name(cache.kv), fmt::format("{}", row.depth)};
  const auto add_run = [&](const eval::SpeedRun& run, double share) {
    const eval::Spread rate = run.tokens_per_second();
    for (const double x : {rate.median, rate.low, rate.high}) cells.push_back(run.tokens > 0 ? number(x) : "");
    cells.push_back(run.tokens > 0 && result.limits ? fmt::format("{:.1f}", 100 * share) : "");
  };
  add_run(row.prompt, result.limits ? row.share_of_int8(*result.limits) : 0);
  cells.push_back(row.decode.tokens > 0 ? fmt::format("{}", row.decode.depth) : "");
  add_run(row.decode, result.limits ? row.share_of_memory(*result.limits) : 0);
  const auto slope = cache.seconds_per_context_token();
  cells.push_back(slope ? number(1e9 * slope->median) : "");
  const bool together = row.together.tokens > 0;
  cells.push_back(together ? number(row.together.tokens_per_second().median) : "");
  cells.push_back(together ? fmt::format("{:.2f}", row.together_over_one().median) : "");
  cells.push_back(fmt::format("{}", row.kv_stats.tokens));
  cells.push_back(fmt::format("{:.2f}", static_cast<double>(row.kv_stats.bytes) / kMebibyte));
  cells.push_back(fmt::format("{:.2f}", row.kv_stats.bits()));
  return cells;
}

std::vector<Cells> lines_of(const eval::SpeedResult& result) {
  std::vector<Cells> lines;
  for (const eval::SpeedCache& cache : result.caches) {
    for (const eval::SpeedRow& row : cache.rows) lines.push_back(cells_of(cache, row, result));
  }
  return lines;
}

Cells titles() {
  Cells line;
  for (const Column& column : columns()) line.push_back(column.title);
  return line;
}

std::string csv(const eval::SpeedResult& result) {
  Cells names;
  for (const Column& column : columns()) names.push_back(column.csv_name);
  std::string text = fmt::format("{}\n", fmt::join(names, ","));
  for (const Cells& line : lines_of(result)) text += fmt::format("{}\n", fmt::join(line, ","));
  return text;
}

/// Aligned: names to the left, figures to the right.
std::string aligned(const std::vector<Cells>& lines, std::string_view before, std::string_view between,
                    std::string_view after) {
  std::vector<std::size_t> widths(columns().size());
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Cells& line : lines) {
    Cells padded = {fmt::format("{:<{}}", line[0], widths[0])};
    for (std::size_t i = 1; i < line.size(); ++i) padded.push_back(fmt::format("{:>{}}", line[i], widths[i]));
    text += fmt::format("{}{}{}\n", before, fmt::join(padded, between), after);
  }
  return text;
}

std::string table(const eval::SpeedResult& result) {
  std::vector<Cells> lines = {titles()};
  for (Cells& line : lines_of(result)) {
    for (std::string& cell : line) cell = cell.empty() ? "-" : cell;
    lines.push_back(std::move(line));
  }
  return aligned(lines, "", "  ", "");
}

std::string markdown(const eval::SpeedResult& result) {
  std::vector<Cells> lines = {titles(), Cells(columns().size(), "---:")};
  lines[1][0] = "---";
  for (Cells& line : lines_of(result)) lines.push_back(std::move(line));
  return aligned(lines, "| ", " | ", " |");
}

/// What holds of all lines.
std::string heading(const BenchReport& report) {
  const ModelInfo& model = report.model;
  std::string text =
      fmt::format("{}, {}, {:.1f} MiB of weights, of which a token reads {:.1f}; {} thread{}; {} round{}\n", model.name,
                  model.weight_type, static_cast<double>(model.weight_bytes) / kMebibyte,
                  static_cast<double>(model.token_weight_bytes) / kMebibyte, report.threads,
                  report.threads == 1 ? "" : "s", report.rounds, report.rounds == 1 ? "" : "s");
  if (!report.result.limits) return text;
  const MachineLimits& limits = *report.result.limits;
  text += fmt::format(
      "limits ({}): memory {:.1f} GB/s, as many bytes as a token's weights {:.1f} GB/s, int8 {:.1f} G operations/s\n",
      limits.instruction_set, limits.read_bytes_per_second / kGiga, report.result.weights_read_bytes_per_second / kGiga,
      limits.int8_ops_per_second / kGiga);
  return text;
}

Json to_json(const eval::Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

Json to_json(const eval::SpeedRun& run) {
  if (run.tokens == 0) return nullptr;
  Json json;
  json["tokens"] = run.tokens;
  json["depth"] = run.depth;
  json["tokens_per_second"] = to_json(run.tokens_per_second());
  json["seconds"] = run.seconds;
  return json;
}

Json to_json(const eval::SpeedRow& row, const eval::SpeedResult& result) {
  Json json;
  json["depth"] = row.depth;
  json["prompt"] = to_json(row.prompt);
  if (row.prompt.tokens > 0) {
    json["prompt"]["operations"] = row.prompt_operations;
    json["prompt"]["share_of_int8"] = result.limits ? Json(row.share_of_int8(*result.limits)) : Json();
  }
  json["decode"] = to_json(row.decode);
  if (row.decode.tokens > 0) {
    json["decode"]["bytes_by_token"] = row.decode_bytes;
    json["decode"]["share_of_memory"] = result.limits ? Json(row.share_of_memory(*result.limits)) : Json();
  }
  json["together"] = to_json(row.together);
  if (row.together.tokens > 0) {
    json["together"]["sessions"] = row.together.tokens / row.decode.tokens;
    json["together"]["times_one"] = to_json(row.together_over_one());
  }
  json["kv_tokens"] = row.kv_stats.tokens;
  json["kv_bytes"] = row.kv_stats.bytes;
  json["kv_bytes_f16"] = row.kv_stats.bytes_f16;
  return json;
}

Json to_json(const eval::SpeedCache& cache, const eval::SpeedResult& result) {
  Json json;
  json["kv"] = kv_name(cache.kv);
  json["kv_key"] = cache.kv.key;
  json["kv_value"] = cache.kv.value;
  const auto slope = cache.seconds_per_context_token();
  json["ns_per_context_token"] =
      slope ? to_json(eval::Spread{1e9 * slope->median, 1e9 * slope->low, 1e9 * slope->high}) : Json();
  for (const eval::SpeedRow& row : cache.rows) json["depths"].push_back(to_json(row, result));
  return json;
}

}  // namespace

std::string bench_text(const BenchReport& report, BenchFormat format) {
  switch (format) {
    case BenchFormat::kCsv:
      return csv(report.result);
    case BenchFormat::kMarkdown:
      return heading(report) + "\n" + markdown(report.result);
    case BenchFormat::kTable:
    case BenchFormat::kJson:
      break;
  }
  return heading(report) + table(report.result);
}

Json bench_json(const BenchReport& report) {
  Json json;
  json["model"] = report.model.name;
  json["model_file"] = report.model_file;
  json["weight_type"] = report.model.weight_type;
  json["weight_bytes"] = report.model.weight_bytes;
  json["token_weight_bytes"] = report.model.token_weight_bytes;
  json["arithmetic"] = options::word(report.arithmetic);
  json["threads"] = report.threads;
  json["rounds"] = report.rounds;
  json["limits"] = nullptr;
  if (report.result.limits) {
    const MachineLimits& limits = *report.result.limits;
    json["limits"] = {{"instruction_set", limits.instruction_set},
                      {"read_bytes", limits.read_bytes},
                      {"read_bytes_per_second", limits.read_bytes_per_second},
                      {"weights_read_bytes_per_second", report.result.weights_read_bytes_per_second},
                      {"int8_ops_per_second", limits.int8_ops_per_second}};
  }
  for (const eval::SpeedCache& cache : report.result.caches) json["results"].push_back(to_json(cache, report.result));
  return json;
}

}  // namespace pith::tools
