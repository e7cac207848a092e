#include "eval/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "eval/cache_name.h"
#include "eval/eviction_figures.h"
#include "eval/html_table.h"
#include "eval/kl_chart.h"
#include "eval/needle_map.h"
#include "plot/bar_chart.h"
#include "plot/line_chart.h"
#include "plot/svg.h"

namespace pith::eval {
namespace {

using plot::escape;

constexpr std::string_view kStyle = R"(
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; font-size: .9rem; font-variant-numeric: tabular-nums;
        display: block; overflow-x: auto; }
th, td { padding: .2rem .5rem; border-bottom: 1px solid #ccc; text-align: right; white-space: nowrap; }
th { white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
pre { overflow-x: auto; }
svg { max-width: 100%; height: auto; margin: 1rem 0; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } th, td { border-color: #555; } }
)";

std::string row_name(const KlRow& row) { return cache_name(row.kv, row.is_floor); }

std::string kl_table(const KlResult& kl, const std::vector<const KlFigures*>& figures) {
  std::vector<Cells> rows;
  rows.reserve(kl.rows.size());
  for (std::size_t i = 0; i < kl.rows.size(); ++i) {
    const KlFigures& f = *figures[i];
    rows.push_back({row_name(kl.rows[i]), fmt::format("{:.3f}", kl.rows[i].bits_8k),
                    fmt::format("{:.3f}", kl.rows[i].bits), fmt::format("{:.3g}", f.mean),
                    fmt::format("{:.1g}", f.standard_error), fmt::format("{:.3g}", f.percentile_99),
                    fmt::format("{:.3g}", f.percentile_99_9), fmt::format("{:.2f}", 100 * f.top_agreement),
                    fmt::format("{:.4f}", f.perplexity_ratio)});
  }
  return html_table(
      {"KV cache", "bits at 8k", "bits here", "mean KL", "+/-", "99 %", "99.9 %", "top-1 %", "perplexity ratio"}, rows);
}

double bits_of(const KvStats::Layer& layer, KvSide side) {
  const bool keys = side == KvSide::kKeys;
  const auto bytes = static_cast<double>(keys ? layer.key_bytes : layer.value_bytes);
  const auto f16 = static_cast<double>(keys ? layer.key_bytes_f16 : layer.value_bytes_f16);
  return 16.0 * bytes / std::max(f16, 1.0);
}

/// Draws keys or values only, so that the chart has one line per cache.
std::string layer_chart(const KlResult& kl, KvSide side) {
  plot::LineChart chart;
  chart.title = side == KvSide::kKeys ? "Bits by layer: keys" : "Bits by layer: values";
  chart.x_label = "layer";
  chart.y_label = fmt::format("bits per element after {} tokens", kl.context - 1);
  for (const KlRow& row : kl.rows) {
    if (row.is_floor) continue;
    plot::LineSeries series;
    series.name = row_name(row);
    for (std::size_t i = 0; i < row.kv_stats.layers.size(); ++i) {
      series.points.push_back({static_cast<double>(i), bits_of(row.kv_stats.layers[i], side)});
    }
    chart.series.push_back(std::move(series));
  }
  return plot::line_chart(chart);
}

std::string kl_section(const KlResult& kl) {
  std::string html = fmt::format(
      "<h2>Divergence from the exact cache</h2>\n<p>KL divergence of next-token predictions from those of the same "
      "weights with the cache in {}. Chunks of {} tokens: {}; the second half of each is scored, {} tokens. The noise "
      "floor is the exact cache in a rotated basis, mathematically the same and rounded differently: figures near it "
      "mean "
      "nothing.</p>\n",
      escape(cache_name(kl.baseline)), kl.context, kl.chunks, kl.tokens_scored);
  std::vector<const KlFigures*> figures;
  figures.reserve(kl.rows.size());
  for (const KlRow& row : kl.rows) figures.push_back(&row.total);
  html += kl_table(kl, figures);
  for (std::size_t i = 0; kl.texts.size() > 1 && i < kl.texts.size(); ++i) {
    for (std::size_t r = 0; r < kl.rows.size(); ++r) figures[r] = &kl.rows[r].texts[i];
    html += fmt::format("<h3>{}</h3>\n", escape(kl.texts[i].name)) + kl_table(kl, figures);
  }
  html += kl_chart(kl) + "\n";
  for (const KvSide side : {KvSide::kKeys, KvSide::kValues}) html += layer_chart(kl, side) + "\n";
  return html;
}

std::string needle_section(const NeedleResult& needle) {
  std::vector<Cells> rows;
  const auto add = [&](const NeedleGrid& grid) {
    for (const NeedleSummary& s : grid.summaries) {
      rows.push_back({grid.name(), fmt::format("{}", s.length), fmt::format("{:.3f}", s.bits),
                      fmt::format("{:.4f}", s.log_probability),
                      fmt::format("{:.4f} \xC2\xB1 {:.4f}", s.difference, s.difference_standard_error),
                      fmt::format("{:.4f}", s.passkey_difference_mean),
                      fmt::format("{:.4f}", s.passkey_difference_worst),
                      fmt::format("{:.2f}", 100 * s.relative_difference_worst),
                      fmt::format("{:.2f}", 100 * s.probability_change_worst), fmt::format("{}", s.rank_worst),
                      fmt::format("{:.0f}", 100 * s.recall)});
    }
  };
  add(needle.baseline);
  for (const NeedleGrid& grid : needle.codecs) add(grid);
  return "<h2>Passkeys in a long text</h2>\n<p>Mean log-probability of a passkey's tokens, teacher-forced. " +
         fmt::format(
             "Depths: {}; passkeys at each: {}. Differences are to {}, in nats, with the standard error of their "
             "mean; by passkey: their absolute values. The last columns are of the worst depth: by how much of "
             "itself the log-probability is off, which says little where it is nearly 0, and the probability.</p>\n",
             needle.options.depths.size(), needle.options.repeats, escape(needle.baseline.name())) +
         html_table({"KV cache", "tokens", "bits", "log-probability", "difference", "by passkey", "worst", "relative %",
                     "probability %", "worst rank", "recall %"},
                    rows) +
         needle_map(needle) + "\n";
}

bool same_figures(const Distortion& a, const Distortion& b) {
  return a.codec == b.codec && a.shape.size == b.shape.size && a.bits == b.bits && a.mse == b.mse &&
         a.inner_product == b.inner_product;
}

std::string distortion_table(const std::vector<Distortion>& distortion) {
  std::vector<Cells> rows;
  for (std::size_t i = 0; i < distortion.size(); ++i) {
    const Distortion& d = distortion[i];
    const bool both = i + 1 < distortion.size() && same_figures(d, distortion[i + 1]);
    const PaperDistortion* paper = paper_distortion(d.bits);
    const auto of_paper = [&](double PaperDistortion::*value) {
      return paper != nullptr ? fmt::format("{:.4g}", paper->*value) : "";
    };
    const char* side = both ? "both" : d.shape.side == KvSide::kKeys ? "keys" : "values";
    rows.push_back({d.codec, side, fmt::format("{}", d.shape.size), fmt::format("{:.3f}", d.bits),
                    fmt::format("{:.3g}", d.mse), of_paper(&PaperDistortion::mse),
                    of_paper(&PaperDistortion::mse_theory), fmt::format("{:.3g}", d.mse_bound()),
                    fmt::format("{:.3g} \xC2\xB1 {:.1g}", d.inner_product, d.inner_product_standard_error),
                    of_paper(&PaperDistortion::inner_product), of_paper(&PaperDistortion::inner_product_theory),
                    fmt::format("{:+.4f}", d.bias)});
    if (both) ++i;
  }
  return html_table({"codec", "side", "size", "bits", "MSE", "paper", "theory", "bound", "inner product x size",
                     "paper", "theory", "bias"},
                    rows);
}

std::string distortion_chart(const std::vector<Distortion>& distortion) {
  std::map<std::size_t, plot::LineSeries> by_size;
  plot::LineSeries bound;
  bound.name = "4^-bits (Shannon)";
  bound.dashed = true;
  bound.markers = false;
  for (const Distortion& d : distortion) {
    plot::LineSeries& series = by_size[d.shape.size];
    series.name = fmt::format("size {}", d.shape.size);
    series.line = false;
    const bool values = d.shape.side == KvSide::kValues;
    if (values && d.mse > 0) series.points.push_back({d.bits, d.mse, d.shape.size == 128 ? d.codec : ""});
    bound.points.push_back({d.bits, d.mse_bound()});
  }
  std::sort(bound.points.begin(), bound.points.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  plot::LineChart chart;
  chart.title = "Squared error of random unit vectors, as values";
  chart.x_label = "bits per element";
  chart.y_label = "mean squared error";
  chart.y_scale = plot::Scale::kLogarithmic;
  chart.width = 960;
  chart.height = 640;
  for (auto& [size, series] : by_size) chart.series.push_back(std::move(series));
  chart.series.push_back(std::move(bound));
  return plot::line_chart(chart);
}

std::string distortion_section(const std::vector<Distortion>& distortion) {
  return fmt::format(
             "<h2>Distortion of random unit vectors</h2>\n<p>No model: the protocol of TurboQuant (arXiv 2504.19874), "
             "whose figures for as many whole bits stand beside; {} vectors over {} draws of codecs' random matrices, "
             "\xC2\xB1: standard error from how much draws differ. The paper rounds by more than it seems: theory is "
             "what its algorithms attain as sizes grow, so the printed 0.03, 0.009 and 0.047 cannot be met by them. "
             "Means of pages, which text has, are of no use here.</p>\n",
             distortion.front().vectors, distortion.front().draws) +
         distortion_chart(distortion) + "\n" + distortion_table(distortion);
}

std::string commands_section(const std::vector<std::string>& commands) {
  std::string html = "<h2>Commands</h2>\n<pre>";
  for (const std::string& command : commands) html += escape(command) + "\n";
  return html + "</pre>\n";
}

}  // namespace

std::string report_html(const ReportParts& parts) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>pith: KV codecs</title>\n<style>{}</style>\n</head>\n<body>\n<h1>KV codecs</h1>\n<ul>\n",
      kStyle);
  for (const std::string& fact : parts.facts) html += "<li>" + escape(fact) + "</li>\n";
  html += "</ul>\n";
  if (parts.kl) html += kl_section(*parts.kl);
  if (parts.needle) html += needle_section(*parts.needle);
  html += eviction_section(parts.eviction_kl, parts.eviction_needle, parts.eviction_stream);
  if (!parts.distortion.empty()) html += distortion_section(parts.distortion);
  if (!parts.commands.empty()) html += commands_section(parts.commands);
  return html + "</body>\n</html>\n";
}

}  // namespace pith::eval
