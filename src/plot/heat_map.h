#pragma once

#include <limits>
#include <string>
#include <vector>

#include "plot/colours.h"

namespace pith::plot {

/// A table of numbers as coloured cells, each with its number in it.
struct HeatMap {
  std::string title{};
  std::string column_label{};
  std::string row_label{};
  /// What the numbers are; printed above the legend.
  std::string value_label{};
  std::vector<std::string> columns{};
  std::vector<std::string> rows{};
  /// [rows, columns]. NaN and missing cells have no value.
  std::vector<std::vector<double>> values{};
  ColourScale scale = ColourScale::kSequential;
  /// Ends of the colour scale. NaN: those of the finite values, made symmetric around 0 if the scale is diverging.
  double low = std::numeric_limits<double>::quiet_NaN();
  double high = std::numeric_limits<double>::quiet_NaN();
  int decimals = 2;
};

/// Returns the map as an SVG file. Infinite values get the colours of the ends.
std::string heat_map(const HeatMap& map);

}  // namespace pith::plot
