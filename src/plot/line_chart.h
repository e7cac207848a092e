#pragma once

#include <string>
#include <vector>

#include "plot/axis.h"

namespace pith::plot {

struct Point {
  double x = 0;
  double y = 0;
  /// Written beside it.
  std::string label{};
};

struct LineSeries {
  /// In the legend; a series without one is left out of it.
  std::string name{};
  /// In the order in which a line joins them. A point without a place on the axes interrupts it.
  std::vector<Point> points{};
  bool line = true;
  bool dashed = false;
  bool markers = true;
};

/// Lines or scattered points over two axes.
struct LineChart {
  std::string title{};
  std::string x_label{};
  std::string y_label{};
  Scale x_scale = Scale::kLinear;
  Scale y_scale = Scale::kLinear;
  /// The y axis begins at 0, where its scale has one.
  bool y_from_zero = false;
  std::vector<LineSeries> series{};
  double width = 720;
  double height = 420;
};

/// The chart as an SVG file.
std::string line_chart(const LineChart& chart);

}  // namespace pith::plot
