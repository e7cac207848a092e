#include "eval/eviction_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "eval/cache_name.h"
#include "eval/html_table.h"
#include "plot/line_chart.h"
#include "plot/svg.h"

namespace pith::eval {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

plot::LineChart chart_of(std::string title, std::string y_label) {
  plot::LineChart chart;
  chart.title = std::move(title);
  chart.x_label = "share evicted, %";
  chart.y_label = std::move(y_label);
  return chart;
}

/// Draws a line of value(policy, ratio) per policy.
template <typename Value>
void add_lines(plot::LineChart& chart, const EvictionSetup& setup, const Value& value) {
  std::vector<double> ratios = setup.ratios;
  std::sort(ratios.begin(), ratios.end());
  for (const std::string& policy : setup.policies) {
    plot::LineSeries series;
    series.name = policy;
    for (const double ratio : ratios) series.points.push_back({100 * ratio, value(policy, ratio)});
    chart.series.push_back(std::move(series));
  }
}

/// Returns the mean over the lengths; NaN, which charts leave out, if nothing was measured.
template <typename Value>
double mean_of(const EvictionNeedleResult& needle, bool seen, const std::string& policy, double ratio,
               const Value& value) {
  double sum = 0;
  double count = 0;
  for (const EvictionNeedleRow& row : needle.rows) {
    if (row.question_seen != seen || row.which.policy != policy || row.which.ratio != ratio) continue;
    if (row.scores.empty()) continue;
    sum += value(row);
    ++count;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : sum / count;
}

std::string percent(double share) { return fmt::format("{:.4g}", 100 * share); }

std::string kl_part(const EvictionKlResult& kl) {
  std::vector<Cells> rows;
  for (const EvictionKlRow& row : kl.rows) {
    if (!row.which.unsupported.empty()) {
      rows.push_back({row.which.policy, percent(row.which.ratio), row.which.unsupported});
      continue;
    }
    const KlFigures& f = row.figures;
    rows.push_back({row.which.policy, percent(row.which.ratio), fmt::format("{:.0f}", row.which.held_tokens),
                    fmt::format("{:.2f}", row.which.bytes / kMebibyte), fmt::format("{:.4g}", f.mean),
                    fmt::format("{:.1g}", f.standard_error), fmt::format("{:.3g}", f.percentile_99),
                    fmt::format("{:.2f}", 100 * f.top_agreement), fmt::format("{:.4f}", f.perplexity_ratio)});
  }
  return fmt::format(
             "<h3>What follows on a compacted context</h3>\n<p>KL divergence from the session that forgot nothing, "
             "cache {}; chunks of {} tokens: {}. The first half is fed and compacted, the second is scored, {} "
             "tokens.</p>\n",
             plot::escape(cache_name(kl.options.setup.kv)), kl.options.context, kl.chunks, kl.tokens_scored) +
         eviction_kl_chart(kl) + "\n" +
         html_table({"policy", "evicted %", "held", "MiB", "mean KL", "+/-", "99 %", "top-1 %", "perplexity ratio"},
                    rows);
}

Cells needle_cells(const EvictionNeedleRow& row, const EvictionNeedleRow* exact) {
  const std::string question = row.question_seen ? "seen" : "not seen";
  Cells cells = {row.which.policy, percent(row.which.ratio), exact == nullptr ? "" : question,
                 fmt::format("{}", row.length)};
  if (row.scores.empty()) {
    cells.push_back(row.which.unsupported);
    return cells;
  }
  cells.push_back(exact == nullptr ? "" : fmt::format("{:.0f}", row.which.held_tokens));
  cells.push_back(fmt::format("{:.0f}", 100 * row.recall()));
  cells.push_back(fmt::format("{:.4f}", row.log_probability()));
  cells.push_back(exact == nullptr ? "" : fmt::format("{:.4f}", row.log_probability() - exact->log_probability()));
  return cells;
}

std::string needle_part(const EvictionNeedleResult& needle) {
  std::vector<Cells> rows;
  const auto add_exact = [&](EvictionNeedleRow row, const KvOptions& kv) {
    row.which.policy = "no eviction, " + cache_name(kv);
    rows.push_back(needle_cells(row, nullptr));
  };
  for (std::size_t i = 0; i < needle.exact.size(); ++i) {
    add_exact(needle.exact_f16[i], KvOptions{.key = "f16"});
    add_exact(needle.exact[i], needle.options.setup.kv);
    for (const EvictionNeedleRow& row : needle.rows) {
      if (row.length == needle.exact[i].length) rows.push_back(needle_cells(row, &needle.exact[i]));
    }
  }
  std::string html = fmt::format(
      "<h3>Passkeys</h3>\n<p>Cache {}; depths: {}, passkeys at each: {}. Question not seen: the document is compacted, "
      "then the question is fed. Seen: both are fed and compacted; the answer's first token was predicted before. "
      "Differences "
      "are to the same cache without eviction, in nats a token.</p>\n",
      plot::escape(cache_name(needle.options.setup.kv)), needle.options.depths.size(), needle.options.repeats);
  for (const bool recall : {true, false}) {
    for (const bool seen : {false, true}) html += eviction_needle_chart(needle, seen, recall) + "\n";
  }
  return html +
         html_table({"policy", "evicted %", "question", "tokens", "held", "recall %", "log-probability", "difference"},
                    rows);
}

std::string stream_part(const EvictionStreamResult& stream) {
  std::vector<Cells> rows;
  for (const EvictionStreamRow& row : stream.rows) {
    if (!row.unsupported.empty()) rows.push_back({row.name, row.unsupported});
    for (const EvictionStreamBlock& block : row.blocks) {
      rows.push_back({row.name, fmt::format("{}", block.end), fmt::format("{:.5g}", block.perplexity),
                      fmt::format("{}", block.held_tokens),
                      fmt::format("{:.2f}", static_cast<double>(block.bytes) / kMebibyte),
                      fmt::format("{:.2f}", static_cast<double>(block.policy_bytes) / kMebibyte),
                      fmt::format("{:.3f}", 1000 * block.seconds_per_token)});
    }
  }
  return fmt::format(
             "<h3>A long stream</h3>\n<p>Cache {}, at most {} tokens per head, {} tokens in total; the model was "
             "trained "
             "for {}. Positions stay what they were. Fresh windows: sessions of half a budget to a budget of context, "
             "computed anew.</p>\n",
             plot::escape(cache_name(stream.options.setup.kv)), stream.options.budget, stream.options.stream_tokens,
             stream.context_trained) +
         eviction_stream_chart(stream) + "\n" +
         html_table({"policy", "tokens", "perplexity", "held", "MiB", "policy MiB", "ms/token"}, rows);
}

}  // namespace

std::string eviction_kl_chart(const EvictionKlResult& kl) {
  plot::LineChart chart = chart_of("Divergence by what is evicted", "mean KL to the whole context");
  chart.y_scale = plot::Scale::kLogarithmic;
  add_lines(chart, kl.options.setup, [&](const std::string& policy, double ratio) {
    for (const EvictionKlRow& row : kl.rows) {
      if (row.which.policy == policy && row.which.ratio == ratio && row.figures.count != 0) return row.figures.mean;
    }
    return std::numeric_limits<double>::quiet_NaN();
  });
  return plot::line_chart(chart);
}

std::string eviction_needle_chart(const EvictionNeedleResult& needle, bool question_seen, bool recall) {
  const char* seen = question_seen ? "question seen" : "question not seen";
  plot::LineChart chart = recall ? chart_of(fmt::format("Passkeys recalled, {}", seen), "recall, %")
                                 : chart_of(fmt::format("Passkeys' log-probability, {}", seen), "nats a token");
  add_lines(chart, needle.options.setup, [&](const std::string& policy, double ratio) {
    return mean_of(needle, question_seen, policy, ratio,
                   [&](const EvictionNeedleRow& row) { return recall ? 100 * row.recall() : row.log_probability(); });
  });
  return plot::line_chart(chart);
}

std::string eviction_stream_chart(const EvictionStreamResult& stream) {
  plot::LineChart chart = chart_of("Perplexity of a stream", "perplexity of a block");
  chart.x_label = "tokens streamed";
  chart.y_scale = plot::Scale::kLogarithmic;
  for (const EvictionStreamRow& row : stream.rows) {
    if (row.blocks.empty()) continue;
    plot::LineSeries series;
    series.name = row.name;
    series.dashed = row.policy.empty();
    for (const EvictionStreamBlock& block : row.blocks) {
      series.points.push_back({static_cast<double>(block.end), block.perplexity});
    }
    chart.series.push_back(std::move(series));
  }
  return plot::line_chart(chart);
}

std::string eviction_section(const std::optional<EvictionKlResult>& kl,
                             const std::optional<EvictionNeedleResult>& needle,
                             const std::optional<EvictionStreamResult>& stream) {
  if (!kl && !needle && !stream) return "";
  std::string html =
      "<h2>Eviction</h2>\n<p>What is lost as a share of the tokens is evicted, by policy. One prefill observes what "
      "all "
      "policies need and is forked for each; random and window are what the others have to beat.</p>\n";
  if (kl) html += kl_part(*kl);
  if (needle) html += needle_part(*needle);
  if (stream) html += stream_part(*stream);
  return html;
}

}  // namespace pith::eval
