#include "eval/speed_chart.h"

#include <fmt/format.h>

#include <vector>

#include "eval/cache_name.h"
#include "plot/bar_chart.h"
#include "plot/line_chart.h"
#include "plot/svg.h"

namespace pith::eval {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

/// One picture: the value to draw for a cache at a depth.
struct Quantity {
  std::string title;
  std::string x_label;
  std::string y_label;
  double (*x)(const SpeedRow&);
  double (*y)(const SpeedRow&);
};

std::string lines(const SpeedResult& result, const Quantity& quantity) {
  plot::LineChart chart;
  chart.title = quantity.title;
  chart.x_label = quantity.x_label;
  chart.y_label = quantity.y_label;
  chart.y_from_zero = true;
  for (const SpeedCache& cache : result.caches) {
    plot::LineSeries series;
    series.name = cache_name(cache.kv);
    for (const SpeedRow& row : cache.rows) series.points.push_back({quantity.x(row), quantity.y(row)});
    chart.series.push_back(std::move(series));
  }
  return plot::line_chart(chart);
}

/// Draws a bar per cache, for its only depth.
std::string bars(const SpeedResult& result, const Quantity& quantity) {
  plot::BarChart chart;
  chart.title = quantity.title;
  chart.x_label = fmt::format("{}: {:.0f}", quantity.x_label, quantity.x(result.caches.front().rows.front()));
  chart.y_label = quantity.y_label;
  chart.groups = {""};
  for (const SpeedCache& cache : result.caches) {
    chart.series.push_back({cache_name(cache.kv), {quantity.y(cache.rows.front())}});
  }
  return plot::bar_chart(chart);
}

std::vector<Quantity> quantities_of(const SpeedRow& row) {
  std::vector<Quantity> quantities;
  if (row.prompt.tokens > 0) {
    quantities.push_back({fmt::format("Prompts of {} tokens", row.prompt.tokens), "tokens in the context before",
                          "tokens/s", [](const SpeedRow& r) { return static_cast<double>(r.prompt.depth); },
                          [](const SpeedRow& r) { return r.prompt.tokens_per_second().median; }});
  }
  if (row.decode.tokens > 0) {
    quantities.push_back({"Decoding", "tokens in the context before", "tokens/s",
                          [](const SpeedRow& r) { return static_cast<double>(r.decode.depth); },
                          [](const SpeedRow& r) { return r.decode.tokens_per_second().median; }});
  }
  quantities.push_back({"KV cache", "tokens held", "MiB",
                        [](const SpeedRow& r) { return static_cast<double>(r.kv_stats.tokens); },
                        [](const SpeedRow& r) { return static_cast<double>(r.kv_stats.bytes) / kMebibyte; }});
  return quantities;
}

}  // namespace

std::string speed_charts(const SpeedResult& result) {
  const std::vector<SpeedRow>& rows = result.caches.front().rows;
  std::vector<std::string> pictures;
  for (const Quantity& quantity : quantities_of(rows.front())) {
    pictures.push_back(rows.size() > 1 ? lines(result, quantity) : bars(result, quantity));
  }
  return plot::arrange(pictures, 2, "Speed and memory by depth");
}

}  // namespace pith::eval
