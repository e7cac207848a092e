#include "plot/line_chart.h"

#include <fmt/format.h>

#include <algorithm>

#include "plot/colours.h"
#include "plot/label_places.h"

namespace pith::plot {
namespace {

constexpr double kTextSize = 11;

bool has_place(const Point& point, const LineChart& chart) {
  return has_place(point.x, chart.x_scale) && has_place(point.y, chart.y_scale);
}

/// Returns one coordinate of every point that is drawn.
std::vector<double> coordinates(const LineChart& chart, double Point::*coordinate) {
  std::vector<double> values;
  for (const LineSeries& series : chart.series) {
    for (const Point& point : series.points) {
      if (has_place(point, chart)) values.push_back(point.*coordinate);
    }
  }
  return values;
}

void draw_x_axis(Svg& svg, const Axis& x, const Box& area) {
  const double bottom = area.y + area.height;
  svg.line({area.x, bottom}, {area.x + area.width, bottom}, {.colour = kFaintInk});
  double free_from = 0;
  for (const double tick : x.ticks()) {
    const std::string label = x.label(tick);
    const double half = text_width(label, kTextSize) / 2;
    svg.line({x.pixel(tick), bottom}, {x.pixel(tick), bottom + 4}, {.colour = kFaintInk});
    // Omits labels that would overlap the previous one.
    if (x.pixel(tick) - half < free_from) continue;
    svg.text({x.pixel(tick), bottom + 13}, label, {.size = kTextSize, .anchor = Anchor::kMiddle});
    free_from = x.pixel(tick) + half + 6;
  }
}

void draw_lines(Svg& svg, const LineChart& chart, const LineSeries& series, const Axis& x, const Axis& y,
                const Stroke& stroke) {
  std::vector<Spot> run;
  const auto end_run = [&] {
    if (run.size() > 1) svg.polyline(run, stroke);
    run.clear();
  };
  for (const Point& point : series.points) {
    if (has_place(point, chart)) {
      run.push_back({x.pixel(point.x), y.pixel(point.y)});
    } else {
      end_run();
    }
  }
  end_run();
}

void draw_markers(Svg& svg, const LineChart& chart, std::size_t index, const Axis& x, const Axis& y,
                  LabelPlaces& places) {
  const LineSeries& series = chart.series[index];
  for (const Point& point : series.points) {
    if (!series.markers || !has_place(point, chart)) continue;
    const Spot spot{x.pixel(point.x), y.pixel(point.y)};
    svg.marker(spot, index, series_colour(index),
               fmt::format("{}{}{}: {}, {}", series.name, series.name.empty() || point.label.empty() ? "" : " ",
                           point.label, short_number(point.x), short_number(point.y)));
    places.keep_free(spot);
  }
}

void draw_labels(Svg& svg, const LineChart& chart, const Axis& x, const Axis& y, LabelPlaces& places) {
  for (const LineSeries& series : chart.series) {
    for (const Point& point : series.points) {
      if (point.label.empty() || !has_place(point, chart)) continue;
      const Spot spot{x.pixel(point.x), y.pixel(point.y)};
      const LabelPlaces::Place place = places.take(spot, point.label);
      if (place.apart) svg.line(spot, place.at, {.colour = kFaintInk, .width = 0.5});
      svg.text(place.at, point.label, {.size = kTextSize, .anchor = place.anchor});
    }
  }
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  const std::vector<double> all_x = coordinates(chart, &Point::x);
  Axis x(chart.x_scale, all_x);
  Axis y(chart.y_scale, coordinates(chart, &Point::y), chart.y_from_zero);
  Frame frame{chart.title, chart.x_label, chart.y_label, chart.width, chart.height};
  frame.legend.reserve(chart.series.size());
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const LineSeries& series = chart.series[i];
    if (series.name.empty()) continue;
    frame.legend.push_back({series.name, series_colour(i), i, series.markers, series.line, series.dashed});
  }
  const Box area = frame.area(y);
  x.place(area.x, area.x + area.width);
  y.place(area.y + area.height, area.y);

  Svg svg(chart.width, chart.height, chart.title);
  frame.draw(svg, y);
  draw_x_axis(svg, x, area);
  for (std::size_t i = 0; i < chart.series.size(); ++i) {
    const LineSeries& series = chart.series[i];
    if (series.line) {
      draw_lines(svg, chart, series, x, y, {.colour = series_colour(i), .width = 2, .dashed = series.dashed});
    }
  }
  // Drawn above the lines of all series.
  LabelPlaces places(area, kTextSize);
  for (std::size_t i = 0; i < chart.series.size(); ++i) draw_markers(svg, chart, i, x, y, places);
  draw_labels(svg, chart, x, y, places);
  if (all_x.empty()) svg.text({area.x + 12, area.y + 16}, "no data", {.colour = kFaintInk});
  return std::move(svg).finish();
}

}  // namespace pith::plot
