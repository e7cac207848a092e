#include "tools/plan_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "options/model_options.h"
#include "tools/byte_size.h"
#include "tools/model_args.h"

namespace pith::tools {
namespace {

using Cells = std::vector<std::string>;

constexpr std::string_view kBeyondMark = "*";

/// "87,296"
std::string grouped(int count) {
  std::string digits = fmt::format("{}", count);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string rate(double tokens_per_second) {
  return tokens_per_second >= 1000 ? fmt::format("{:.0f}", tokens_per_second)
                                   : fmt::format("{:.3g}", tokens_per_second);
}

/// Tokens, marked where the model was not trained for so many; unmarked ones keep the column straight.
std::string tokens_cell(int tokens, int trained) {
  if (tokens == 0) return "none ";
  return grouped(tokens) + (tokens > trained ? std::string(kBeyondMark) : " ");
}

Cells titles(const PlanReport& report) {
  Cells cells = {"KV", "longest "};
  if (report.options.context != 0) cells.insert(cells.end(), {"tokens ", "fits"});
  cells.insert(cells.end(), {"KV cache", "total"});
  if (report.limits) cells.insert(cells.end(), {"decode/s", "when full", "prompt/s", "when full"});
  return cells;
}

Cells cells_of(const eval::PlanRow& row, const PlanReport& report) {
  const int trained = report.model.context_trained;
  Cells cells = {kv_name(row.kv), tokens_cell(row.longest, trained)};
  if (report.options.context != 0) {
    cells.push_back(tokens_cell(row.tokens, trained));
    cells.emplace_back(row.fits ? "yes" : "no");
  }
  cells.push_back(bytes_text(row.memory.kv_bytes));
  cells.push_back(bytes_text(row.memory.total()));
  if (row.empty && row.full) {
    for (const double x : {row.empty->decode, row.full->decode, row.empty->prompt, row.full->prompt}) {
      cells.push_back(rate(x));
    }
  }
  return cells;
}

/// Names to the left, figures to the right.
std::string aligned(const std::vector<Cells>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const Cells& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  std::string text;
  for (const Cells& line : lines) {
    text += fmt::format("{:<{}}", line[0], widths[0]);
    for (std::size_t i = 1; i < line.size(); ++i) text += fmt::format("  {:>{}}", line[i], widths[i]);
    text += '\n';
  }
  return text;
}

/// What holds for all rows: the model, its parts, the machine.
std::string heading(const PlanReport& report) {
  const MemoryPlan& memory = report.result.rows.front().memory;
  std::string text =
      fmt::format("{}, {}, trained for {} tokens; {} for {}\n", one_line(report.model.name), report.model.weight_type,
                  grouped(report.model.context_trained), bytes_text(report.options.memory),
                  report.options.sessions == 1 ? "one session" : fmt::format("{} sessions", report.options.sessions));
  text +=
      fmt::format("weights {}, activations {}, program and vocabulary {} (an allowance)\n",
                  bytes_text(memory.weight_bytes), bytes_text(memory.scratch_bytes), bytes_text(memory.process_bytes));
  if (!report.limits) return text;
  const MachineLimits& machine = report.limits->machine;
  text += fmt::format(
      "limits ({}, {} thread{}): memory {:.1f} GB/s, as many bytes as a token's weights {:.1f} GB/s, int8 {:.1f} G "
      "operations/s\n",
      machine.instruction_set, machine.threads, machine.threads == 1 ? "" : "s", machine.read_bytes_per_second / 1e9,
      report.limits->weights_read_bytes_per_second / 1e9, machine.int8_ops_per_second / 1e9);
  return text;
}

/// What the table's marks and figures mean, as far as they are in it.
std::string notes(const PlanReport& report) {
  const MemoryPlan& memory = report.result.rows.front().memory;
  const std::uint64_t fixed = memory.total() - memory.kv_bytes;
  std::string text;
  if (fixed > report.options.memory) {
    text += fmt::format("The model does not fit: {} without any cache, the memory is {}.\n", bytes_text(fixed),
                        bytes_text(report.options.memory));
  }
  if (report.file_bytes > report.options.memory) {
    text += fmt::format("The file is larger than the memory: {}.\n", bytes_text(report.file_bytes));
  }
  if (report.usable_memory != 0 && report.usable_memory < report.options.memory) {
    text += fmt::format("More than this process may use here: {}, by the machine's memory or a cgroup's limit.\n",
                        bytes_text(report.usable_memory));
  }
  const int trained = report.model.context_trained;
  const auto& rows = report.result.rows;
  if (std::any_of(rows.begin(), rows.end(),
                  [&](const eval::PlanRow& row) { return std::max(row.longest, row.tokens) > trained; })) {
    text += fmt::format("{} longer than the {} tokens that the model was trained for\n", kBeyondMark, grouped(trained));
  }
  if (!report.limits) return text;
  return text +
         "Speeds are bounds in tokens/s, at most: memory that reads weights and cache once for a decoded token, int8 "
         "products\nthat do nothing else for a prompt; at an empty cache and at a full one. pith bench measures how "
         "near it comes.\n";
}

Json to_json(const std::optional<eval::SpeedBound>& empty, const std::optional<eval::SpeedBound>& full,
             double eval::SpeedBound::*rate) {
  if (!empty || !full) return nullptr;
  return {{"empty", *empty.*rate}, {"full", *full.*rate}};
}

Json to_json(const eval::PlanRow& row, int trained) {
  Json json;
  json["kv"] = kv_name(row.kv);
  json["kv_key"] = row.kv.key;
  json["kv_value"] = row.kv.value;
  json["longest_context"] = row.longest;
  json["tokens"] = row.tokens;
  json["fits"] = row.fits;
  json["beyond_trained"] = row.tokens > trained;
  json["kv_bytes"] = row.memory.kv_bytes;
  json["total_bytes"] = row.memory.total();
  json["decode_tokens_per_second_at_most"] = to_json(row.empty, row.full, &eval::SpeedBound::decode);
  json["prompt_tokens_per_second_at_most"] = to_json(row.empty, row.full, &eval::SpeedBound::prompt);
  return json;
}

}  // namespace

std::string plan_text(const PlanReport& report) {
  std::vector<Cells> lines = {titles(report)};
  for (const eval::PlanRow& row : report.result.rows) lines.push_back(cells_of(row, report));
  return heading(report) + aligned(lines) + notes(report);
}

Json plan_json(const PlanReport& report) {
  const MemoryPlan& memory = report.result.rows.front().memory;
  Json json;
  json["model"] = report.model.name;
  json["model_file"] = report.model_file;
  json["file_bytes"] = report.file_bytes;
  json["weight_type"] = report.model.weight_type;
  json["arithmetic"] = options::word(report.arithmetic);
  json["memory_bytes"] = report.options.memory;
  json["usable_memory_bytes"] = report.usable_memory;
  json["sessions"] = report.options.sessions;
  json["context_trained"] = report.model.context_trained;
  json["weight_bytes"] = memory.weight_bytes;
  json["scratch_bytes"] = memory.scratch_bytes;
  json["process_bytes"] = memory.process_bytes;
  json["limits"] = nullptr;
  if (report.limits) {
    const MachineLimits& machine = report.limits->machine;
    json["limits"] = {{"instruction_set", machine.instruction_set},
                      {"threads", machine.threads},
                      {"read_bytes_per_second", machine.read_bytes_per_second},
                      {"weights_read_bytes_per_second", report.limits->weights_read_bytes_per_second},
                      {"int8_ops_per_second", machine.int8_ops_per_second}};
  }
  for (const eval::PlanRow& row : report.result.rows) {
    json["results"].push_back(to_json(row, report.model.context_trained));
  }
  return json;
}

}  // namespace pith::tools
