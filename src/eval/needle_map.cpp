#include "eval/needle_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plot/axis.h"
#include "plot/heat_map.h"
#include "plot/svg.h"

namespace pith::eval {
namespace {

/// [depths, lengths], as drawn.
using Table = std::vector<std::vector<double>>;

template <typename Value>
Table table(const NeedleOptions& options, const Value& value) {
  Table rows(options.depths.size());
  for (std::size_t i = 0; i < options.lengths.size() * options.depths.size(); ++i) {
    rows[i % options.depths.size()].push_back(value(i));
  }
  return rows;
}

Table log_probabilities(const NeedleResult& result, const NeedleGrid& grid) {
  return table(result.options, [&](std::size_t i) { return grid.cells[i].log_probability(); });
}

Table differences(const NeedleResult& result, const NeedleGrid& grid) {
  return table(result.options, [&](std::size_t i) { return difference(grid.cells[i], result.baseline.cells[i]); });
}

/// Returns the largest absolute value among all tables' finite ones.
double largest(const std::vector<Table>& tables) {
  double most = 0;
  for (const Table& rows : tables) {
    for (const std::vector<double>& row : rows) {
      for (const double value : row) {
        if (std::isfinite(value)) most = std::max(most, std::abs(value));
      }
    }
  }
  return most;
}

plot::HeatMap empty_map(const NeedleOptions& options) {
  plot::HeatMap map;
  map.column_label = "tokens";
  map.row_label = "depth, %";
  for (const std::size_t length : options.lengths) map.columns.push_back(fmt::format("{}", length));
  for (const double depth : options.depths) map.rows.push_back(plot::short_number(depth));
  return map;
}

}  // namespace

std::string needle_map(const NeedleResult& result) {
  std::vector<Table> levels = {log_probabilities(result, result.baseline)};
  // Skips the baseline, which has no difference to show.
  std::vector<Table> changes(1);
  for (const NeedleGrid& grid : result.codecs) {
    levels.push_back(log_probabilities(result, grid));
    changes.push_back(differences(result, grid));
  }
  plot::HeatMap level = empty_map(result.options);
  level.value_label = "ln p";
  level.low = -largest(levels);
  level.high = 0;
  plot::HeatMap change = empty_map(result.options);
  change.value_label = "ln p";
  change.scale = plot::ColourScale::kDiverging;
  change.decimals = 3;
  change.high = largest(changes);
  change.low = -change.high;

  std::vector<std::string> pictures;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::string name = i == 0 ? result.baseline.name() : result.codecs[i - 1].name();
    level.title = fmt::format("{}: log-probability", name);
    level.values = levels[i];
    pictures.push_back(plot::heat_map(level));
    change.title = fmt::format("{} less {}", name, result.baseline.name());
    change.values = changes[i];
    pictures.push_back(i == 0 ? std::string() : plot::heat_map(change));
  }
  return plot::arrange(pictures, 2, "Passkey by depth and length");
}

}  // namespace pith::eval
