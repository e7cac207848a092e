#include <fmt/format.h>

#include "eval/cache_name.h"
#include "eval/plan.h"
#include "plot/line_chart.h"

namespace pith::eval {
namespace {

constexpr double kGibibyte = 1024.0 * 1024.0 * 1024.0;

double gibibytes(std::uint64_t bytes) { return static_cast<double>(bytes) / kGibibyte; }

plot::LineSeries line(std::string name, bool dashed = false) {
  plot::LineSeries series;
  series.name = std::move(name);
  series.dashed = dashed;
  series.markers = false;
  return series;
}

}  // namespace

std::string plan_chart(const ModelInfo& model, const PlanOptions& options, const PlanResult& result) {
  plot::LineChart chart;
  chart.title = options.sessions == 1
                    ? fmt::format("{}: memory by context", model.name)
                    : fmt::format("{}: memory by context of {} sessions", model.name, options.sessions);
  chart.x_label = "tokens in the context";
  chart.y_label = "GiB, weights and scratch included";
  chart.y_from_zero = true;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    plot::LineSeries series = line(cache_name(result.rows[i].kv));
    for (std::size_t at = 0; at < result.contexts.size(); ++at) {
      // Lines go on to where they meet the memory, and little further: the others would be pressed to the ground.
      if (at > 1 && result.totals[i][at - 1] > options.memory) break;
      series.points.push_back({static_cast<double>(result.contexts[at]), gibibytes(result.totals[i][at])});
    }
    chart.series.push_back(std::move(series));
  }
  const double last = result.contexts.back();
  plot::LineSeries memory = line("the memory", true);
  memory.points = {{0, gibibytes(options.memory)}, {last, gibibytes(options.memory)}};
  chart.series.push_back(std::move(memory));
  if (const double trained = model.context_trained; trained < last) {
    plot::LineSeries border = line("trained context", true);
    border.points = {{trained, 0}, {trained, gibibytes(options.memory)}};
    chart.series.push_back(std::move(border));
  }
  return plot::line_chart(chart);
}

}  // namespace pith::eval
