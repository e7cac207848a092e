#pragma once

#include <string>
#include <vector>

namespace pith::plot {

struct BarSeries {
  std::string name{};
  /// One per group. NaN and missing values draw no bar.
  std::vector<double> values{};
};

/// Bars in groups: one group per category, and one bar per series in it.
struct BarChart {
  std::string title{};
  std::string x_label{};
  std::string y_label{};
  std::vector<std::string> groups{};
  std::vector<BarSeries> series{};
  /// Whether each bar has its value above it.
  bool print_values = true;
  double width = 720;
  double height = 420;
};

/// Returns the chart as an SVG file. Bars begin at 0.
std::string bar_chart(const BarChart& chart);

}  // namespace pith::plot
