#include "eval/kl_chart.h"

#include <algorithm>
#include <string_view>

#include "eval/cache_name.h"
#include "plot/line_chart.h"

namespace pith::eval {
namespace {

/// The name without the number at its end: "int" for int8, int4, int3 and int2.
std::string_view family_of(std::string_view name) { return name.substr(0, name.find_last_not_of("0123456789") + 1); }

/// One series per family, in the order in which the families first appear.
std::vector<plot::LineSeries> families_of(const KlResult& result) {
  std::vector<plot::LineSeries> families;
  for (const KlRow& row : result.rows) {
    if (row.is_floor || row.total.mean <= 0) continue;
    const std::string name = cache_name(row.kv);
    const std::string_view family = family_of(name);
    auto series = std::find_if(families.begin(), families.end(), [&](const auto& s) { return s.name == family; });
    if (series == families.end()) series = families.insert(series, plot::LineSeries{.name = std::string(family)});
    series->points.push_back({row.bits_8k, row.total.mean, name});
  }
  return families;
}

}  // namespace

std::string kl_chart(const KlResult& result) {
  plot::LineChart chart;
  chart.title = "Quality against size";
  chart.x_label = "bits per element at 8k tokens, metadata included";
  chart.y_label = "mean KL divergence from the exact cache, nats";
  chart.y_scale = plot::Scale::kLogarithmic;
  chart.series = families_of(result);
  for (plot::LineSeries& series : chart.series) {
    std::sort(series.points.begin(), series.points.end(), [](const auto& a, const auto& b) { return a.x < b.x; });
    // The points carry the names; a legend would repeat them.
    series.name.clear();
  }
  return plot::line_chart(chart);
}

}  // namespace pith::eval
