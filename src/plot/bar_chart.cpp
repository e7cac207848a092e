#include "plot/bar_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plot/axis.h"
#include "plot/colours.h"

namespace pith::plot {
namespace {

constexpr double kTextSize = 11;
/// As a share of a group's width.
constexpr double kGap = 0.2;

/// Returns NaN if the series has no bar in this group.
double value_at(const BarSeries& series, std::size_t group) {
  const double value = group < series.values.size() ? series.values[group] : NAN;
  return has_place(value, Scale::kLinear) ? value : NAN;
}

std::vector<double> drawn_values(const BarChart& chart) {
  std::vector<double> values;
  for (const BarSeries& series : chart.series) {
    for (std::size_t group = 0; group < chart.groups.size(); ++group) {
      if (!std::isnan(value_at(series, group))) values.push_back(value_at(series, group));
    }
  }
  return values;
}

void draw_bar(Svg& svg, const BarChart& chart, std::size_t index, std::size_t group, const Axis& y, double x,
              double width) {
  const double value = value_at(chart.series[index], group);
  if (std::isnan(value)) return;
  const double top = y.pixel(std::max(value, 0.0));
  const double bottom = y.pixel(std::min(value, 0.0));
  const std::string number = short_number(value);
  svg.rectangle({x, top, width, bottom - top}, series_colour(index),
                fmt::format("{}, {}: {}", chart.groups[group], chart.series[index].name, number));
  if (!chart.print_values) return;
  // Shrinks the number with the width of the bar, but keeps it readable.
  const double size = std::clamp(kTextSize * width / std::max(text_width(number, kTextSize), 1.0), 7.0, kTextSize);
  svg.text({x + width / 2, value < 0 ? bottom + size : top - size * 0.7}, number,
           {.size = size, .anchor = Anchor::kMiddle});
}

void draw_group(Svg& svg, const BarChart& chart, std::size_t group, const Axis& y, const Box& area) {
  const double group_width = area.width / static_cast<double>(chart.groups.size());
  const double left = area.x + group_width * static_cast<double>(group);
  const double bar = group_width * (1 - kGap) / static_cast<double>(std::max<std::size_t>(chart.series.size(), 1));
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    draw_bar(svg, chart, i, group, y, left + group_width * kGap / 2 + bar * static_cast<double>(i), bar * 0.92);
  }
  svg.text({left + group_width / 2, area.y + area.height + 13}, chart.groups[group],
           {.size = kTextSize, .anchor = Anchor::kMiddle});
}

}  // namespace

std::string bar_chart(const BarChart& chart) {
  const std::vector<double> values = drawn_values(chart);
  Axis y(Scale::kLinear, values, true);
  Frame frame{chart.title, chart.x_label, chart.y_label, chart.width, chart.height};
  frame.legend.reserve(chart.series.size());
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    frame.legend.push_back({chart.series[i].name, series_colour(i), 1});
  }
  const Box area = frame.area(y);
  y.place(area.y + area.height, area.y);

  Svg svg(chart.width, chart.height, chart.title);
  frame.draw(svg, y);
  for (std::size_t group = 0; group < chart.groups.size(); ++group) draw_group(svg, chart, group, y, area);
  svg.line({area.x, y.pixel(0)}, {area.x + area.width, y.pixel(0)}, {.colour = kFaintInk});
  if (values.empty()) svg.text({area.x + 12, area.y + 16}, "no data", {.colour = kFaintInk});
  return std::move(svg).finish();
}

}  // namespace pith::plot
