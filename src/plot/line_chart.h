#pragma once

#include <string>
#include <vector>

#include "plot/axis.h"

namespace pith::plot {

struct Point {
  double x = 0;
  double y = 0;
  /// Text beside the point.
  std::string label{};
};

struct LineSeries {
  /// Name in the legend. A series without a name does not appear there.
  std::string name{};
  /// In the order in which the line connects them. A point that the axes cannot show interrupts the line.
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
  /// Whether the y axis begins at 0, if its scale has a 0.
  bool y_from_zero = false;
  std::vector<LineSeries> series{};
  double width = 720;
  double height = 420;
};

/// Returns the chart as an SVG file.
std::string line_chart(const LineChart& chart);

}  // namespace pith::plot
