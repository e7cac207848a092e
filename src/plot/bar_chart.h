#pragma once

#include <string>
#include <vector>

namespace pith::plot {

struct BarSeries {
  std::string name{};
  /// One a group; NaN, or a value that is missing: no bar.
  std::vector<double> values{};
};

/// Bars in groups: one group a category, one bar in it a series.
struct BarChart {
  std::string title{};
  std::string x_label{};
  std::string y_label{};
  std::vector<std::string> groups{};
  std::vector<BarSeries> series{};
  /// Each bar's value over it.
  bool print_values = true;
  double width = 720;
  double height = 420;
};

/// The chart as an SVG file. Bars stand on 0.
std::string bar_chart(const BarChart& chart);

}  // namespace pith::plot
