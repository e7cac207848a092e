#include "eval/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "eval/cache_name.h"
#include "eval/needle_map.h"
#include "plot/bar_chart.h"
#include "plot/line_chart.h"
#include "plot/svg.h"

namespace pith::eval {
namespace {

using plot::escape;

constexpr std::string_view kStyle = R"(
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums;
        display: block; overflow-x: auto; }
th, td { padding: .2rem .7rem; border-bottom: 1px solid #ccc; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; margin: 1rem 0; }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } th, td { border-color: #555; } }
)";

std::string row_name(const KlRow& row) { return cache_name(row.kv, row.is_floor); }

using Cells = std::vector<std::string>;

std::string table(const Cells& head, const std::vector<Cells>& rows) {
  const auto line = [](const Cells& cells, const char* tag) {
    std::string text = "<tr>";
    for (const std::string& cell : cells) text += fmt::format("<{0}>{1}</{0}>", tag, escape(cell));
    return text + "</tr>\n";
  };
  std::string text = "<table>\n" + line(head, "th");
  for (const Cells& row : rows) text += line(row, "td");
  return text + "</table>\n";
}

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
  return table(
      {"KV cache", "bits at 8k", "bits here", "mean KL", "+/-", "99 %", "99.9 %", "top-1 %", "perplexity ratio"}, rows);
}

std::string quality_chart(const KlResult& kl) {
  plot::LineChart chart;
  chart.title = "Quality against size";
  chart.x_label = "bits an element, all in, at 8k tokens";
  chart.y_label = "mean KL to the exact cache";
  chart.y_scale = plot::Scale::kLogarithmic;
  plot::LineSeries series;
  series.name = "KV caches";
  series.line = false;
  for (const KlRow& row : kl.rows) {
    if (!row.is_floor && row.total.mean > 0) series.points.push_back({row.bits_8k, row.total.mean, row_name(row)});
  }
  std::sort(series.points.begin(), series.points.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  chart.series.push_back(std::move(series));
  return plot::line_chart(chart);
}

std::string layer_chart(const KlResult& kl) {
  plot::LineChart chart;
  chart.title = "Bits by layer";
  chart.x_label = "layer";
  chart.y_label = fmt::format("bits an element after {} tokens", kl.context - 1);
  for (const KlRow& row : kl.rows) {
    if (row.is_floor) continue;
    plot::LineSeries keys;
    plot::LineSeries values;
    keys.name = row_name(row) + " keys";
    values.name = row_name(row) + " values";
    values.dashed = true;
    for (std::size_t i = 0; i < row.kv_stats.layers.size(); ++i) {
      const KvStats::Layer& layer = row.kv_stats.layers[i];
      const auto bits = [](std::uint64_t bytes, std::uint64_t f16) {
        return 16.0 * static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(f16, 1));
      };
      keys.points.push_back({static_cast<double>(i), bits(layer.key_bytes, layer.key_bytes_f16)});
      values.points.push_back({static_cast<double>(i), bits(layer.value_bytes, layer.value_bytes_f16)});
    }
    chart.series.push_back(std::move(keys));
    chart.series.push_back(std::move(values));
  }
  return plot::line_chart(chart);
}

std::string kl_section(const KlResult& kl) {
  std::string html = fmt::format(
      "<h2>Divergence from the exact cache</h2>\n<p>KL divergence of next-token predictions from those of the same "
      "weights with the cache in {}: {} chunks of {} tokens, the second half of each scored, {} tokens. The noise "
      "floor "
      "is the exact cache in a rotated basis, mathematically the same and rounded differently: figures near it mean "
      "nothing.</p>\n",
      escape(cache_name(kl.baseline)), kl.chunks, kl.context, kl.tokens_scored);
  std::vector<const KlFigures*> figures;
  figures.reserve(kl.rows.size());
  for (const KlRow& row : kl.rows) figures.push_back(&row.total);
  html += kl_table(kl, figures);
  for (std::size_t i = 0; kl.texts.size() > 1 && i < kl.texts.size(); ++i) {
    for (std::size_t r = 0; r < kl.rows.size(); ++r) figures[r] = &kl.rows[r].texts[i];
    html += fmt::format("<h3>{}</h3>\n", escape(kl.texts[i].name)) + kl_table(kl, figures);
  }
  return html + quality_chart(kl) + "\n" + layer_chart(kl) + "\n";
}

std::string needle_section(const NeedleResult& needle) {
  std::vector<Cells> rows;
  const auto add = [&](const NeedleGrid& grid) {
    for (const NeedleSummary& s : grid.summaries) {
      rows.push_back({grid.name(), fmt::format("{}", s.length), fmt::format("{:.3f}", s.bits),
                      fmt::format("{:.4f}", s.log_probability), fmt::format("{:.4f}", s.difference_mean),
                      fmt::format("{:.4f}", s.difference_worst), fmt::format("{}", s.rank_worst),
                      fmt::format("{:.0f}", 100 * s.recall)});
    }
  };
  add(needle.baseline);
  for (const NeedleGrid& grid : needle.codecs) add(grid);
  return "<h2>Passkeys in a long text</h2>\n<p>Mean log-probability of a passkey's tokens, teacher-forced, at " +
         fmt::format("{} depths; differences to {}.</p>\n", needle.options.depths.size(),
                     escape(needle.baseline.name())) +
         table({"KV cache", "tokens", "bits", "log-probability", "difference: mean", "worst", "worst rank", "recall %"},
               rows) +
         needle_map(needle) + "\n";
}

std::string distortion_section(const std::vector<Distortion>& distortion) {
  std::vector<Cells> rows;
  rows.reserve(distortion.size());
  std::map<std::size_t, plot::LineSeries> by_size;
  plot::LineSeries bound;
  bound.name = "4^-bits (Shannon)";
  bound.dashed = true;
  bound.markers = false;
  for (const Distortion& d : distortion) {
    const bool keys = d.shape.side == KvSide::kKeys;
    const PaperDistortion* paper = paper_distortion(d.bits);
    rows.push_back({d.codec, keys ? "keys" : "values", fmt::format("{}", d.shape.size), fmt::format("{:.3f}", d.bits),
                    fmt::format("{:.4g}", d.mse), paper != nullptr ? fmt::format("{:g}", paper->mse) : "",
                    fmt::format("{:.3g}", d.mse_bound()), fmt::format("{:.4g}", d.inner_product),
                    paper != nullptr ? fmt::format("{:g}", paper->inner_product) : "", fmt::format("{:+.4f}", d.bias)});
    plot::LineSeries& series = by_size[d.shape.size];
    series.name = fmt::format("size {}", d.shape.size);
    series.line = false;
    if (!keys && d.mse > 0) series.points.push_back({d.bits, d.mse, d.shape.size == 128 ? d.codec : ""});
    bound.points.push_back({d.bits, d.mse_bound()});
  }
  std::sort(bound.points.begin(), bound.points.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
  plot::LineChart chart;
  chart.title = "Squared error of random unit vectors, as values";
  chart.x_label = "bits an element";
  chart.y_label = "mean squared error";
  chart.y_scale = plot::Scale::kLogarithmic;
  chart.height = 560;
  for (auto& [size, series] : by_size) chart.series.push_back(std::move(series));
  chart.series.push_back(std::move(bound));
  return "<h2>Distortion of random unit vectors</h2>\n<p>No model: the protocol of TurboQuant (arXiv 2504.19874), "
         "whose "
         "figures for as many whole bits stand beside. Means of pages, which text has, are of no use here.</p>\n" +
         table({"codec", "side", "size", "bits", "MSE", "paper", "bound", "inner product x d", "paper", "bias"}, rows) +
         plot::line_chart(chart) + "\n";
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
  if (!parts.distortion.empty()) html += distortion_section(parts.distortion);
  return html + "</body>\n</html>\n";
}

}  // namespace pith::eval
