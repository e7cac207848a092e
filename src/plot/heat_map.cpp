#include "plot/heat_map.h"

#include <algorithm>
#include <cmath>

#include "plot/axis.h"

namespace pith::plot {
namespace {

constexpr double kTextSize = 12;
constexpr double kCellHeight = 34;
constexpr double kMargin = 16;
constexpr double kLegendBar = 14;

struct Range {
  double low = 0;
  double high = 1;

  double share(double value) const {
    if (std::isnan(value)) return value;
    if (!(high > low)) return 0.5;
    return std::clamp((value - low) / (high - low), 0.0, 1.0);
  }
};

Range range_of(const HeatMap& map) {
  Range range{INFINITY, -INFINITY};
  for (const std::vector<double>& row : map.values) {
    for (const double value : row) {
      if (!std::isfinite(value)) continue;
      range = {std::min(range.low, value), std::max(range.high, value)};
    }
  }
  if (range.low > range.high) range = {0, 0};
  if (map.scale == ColourScale::kDiverging) {
    const double most = std::max(std::abs(range.low), std::abs(range.high));
    range = {-most, most};
  }
  if (std::isfinite(map.low)) range.low = map.low;
  if (std::isfinite(map.high)) range.high = map.high;
  return range;
}

double value_at(const HeatMap& map, std::size_t row, std::size_t column) {
  if (row >= map.values.size() || column >= map.values[row].size()) return std::numeric_limits<double>::quiet_NaN();
  return map.values[row][column];
}

double widest(const std::vector<std::string>& texts) {
  double width = 0;
  for (const std::string& text : texts) width = std::max(width, text_width(text, kTextSize));
  return width;
}

/// Positions of all parts.
struct Layout {
  double cell_width;
  Box cells;
  double width;
  double height;
};

Layout lay_out(const HeatMap& map, const Range& range) {
  const double ends = std::max(text_width(fixed_number(range.low, map.decimals), kTextSize),
                               text_width(fixed_number(range.high, map.decimals), kTextSize));
  const double cell = std::max({56.0, ends + 14, widest(map.columns) + 10});
  const double left = kMargin + (map.row_label.empty() ? 0 : 1.5 * kTextSize) + widest(map.rows) + 8;
  const Box cells{left, kTitleHeight, cell * static_cast<double>(std::max<std::size_t>(map.columns.size(), 1)),
                  kCellHeight * static_cast<double>(std::max<std::size_t>(map.rows.size(), 3))};
  const double legend = 1.5 * kMargin + std::max(kLegendBar + 6 + ends, text_width(map.value_label, kTextSize));
  const double width = std::max(left + cells.width + legend + kMargin, text_width(map.title, 14) + 2 * kMargin);
  return {cell, cells, width, kTitleHeight + cells.height + 2 * kTextSize + (map.column_label.empty() ? 8 : 28)};
}

void draw_cells(Svg& svg, const HeatMap& map, const Range& range, const Layout& layout) {
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    for (std::size_t column = 0; column < map.columns.size(); ++column) {
      const double value = value_at(map, row, column);
      const std::string colour = scale_colour(map.scale, range.share(value));
      const Box box{layout.cells.x + layout.cell_width * static_cast<double>(column),
                    layout.cells.y + kCellHeight * static_cast<double>(row), layout.cell_width, kCellHeight};
      // Leaves a seam of background between cells.
      svg.rectangle({box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1}, colour);
      svg.text({box.x + box.width / 2, box.y + box.height / 2}, fixed_number(value, map.decimals),
               {.size = kTextSize, .anchor = Anchor::kMiddle, .colour = ink_on(colour)});
    }
  }
}

void draw_labels(Svg& svg, const HeatMap& map, const Layout& layout) {
  const Box& cells = layout.cells;
  const double below = cells.y + cells.height + kTextSize;
  const TextStyle middle{.size = kTextSize, .anchor = Anchor::kMiddle};
  draw_title(svg, layout.width, map.title);
  for (std::size_t row = 0; row < map.rows.size(); ++row) {
    svg.text({cells.x - 6, cells.y + kCellHeight * (static_cast<double>(row) + 0.5)}, map.rows[row],
             {.size = kTextSize, .anchor = Anchor::kEnd});
  }
  for (std::size_t column = 0; column < map.columns.size(); ++column) {
    svg.text({cells.x + layout.cell_width * (static_cast<double>(column) + 0.5), below}, map.columns[column], middle);
  }
  svg.text({cells.x + cells.width / 2, below + 22}, map.column_label, middle);
  svg.text({kMargin, cells.y + cells.height / 2}, map.row_label,
           {.size = kTextSize, .anchor = Anchor::kMiddle, .upward = true});
}

void draw_legend(Svg& svg, const HeatMap& map, const Range& range, const Layout& layout) {
  constexpr int kSteps = 48;
  const double x = layout.cells.x + layout.cells.width + 1.5 * kMargin;
  const double top = layout.cells.y + 1.5 * kTextSize;
  const double height = layout.cells.height - 1.5 * kTextSize;
  svg.text({x, layout.cells.y + kTextSize / 2}, map.value_label, {.size = kTextSize});
  for (int i = 0; i < kSteps; ++i) {
    // Draws each step a little larger than its share, so that no seam shows.
    const double step = height / kSteps;
    svg.rectangle({x, top + step * i, kLegendBar, i + 1 < kSteps ? step + 0.5 : step},
                  scale_colour(map.scale, 1 - (i + 0.5) / kSteps));
  }
  const double text_x = x + kLegendBar + 6;
  svg.text({text_x, top + kTextSize / 2}, fixed_number(range.high, map.decimals), {.size = kTextSize});
  svg.text({text_x, top + height - kTextSize / 2}, fixed_number(range.low, map.decimals), {.size = kTextSize});
}

}  // namespace

std::string heat_map(const HeatMap& map) {
  const Range range = range_of(map);
  const Layout layout = lay_out(map, range);
  Svg svg(layout.width, layout.height, map.title);
  draw_labels(svg, map, layout);
  if (map.rows.empty() || map.columns.empty()) {
    svg.text({layout.cells.x, layout.cells.y + kCellHeight}, "no data", {.size = kTextSize, .colour = kFaintInk});
  } else {
    draw_cells(svg, map, range, layout);
    draw_legend(svg, map, range, layout);
  }
  return std::move(svg).finish();
}

}  // namespace pith::plot
