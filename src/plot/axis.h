#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plot/svg.h"

namespace pith::plot {

enum class Scale { kLinear, kLogarithmic };

/// Returns whether a scale can show a value: it must be finite, and above 0 on a logarithmic scale.
bool has_place(double value, Scale scale) noexcept;

/// Returns about `count` round numbers, 1, 2 or 5 times a power of ten apart, from the last one below `low` to the
/// first one above `high`.
std::vector<double> linear_ticks(double low, double high, int count = 6);
/// Returns powers of ten and, where the range is short, 2 and 5 times those. Needs 0 < low < high.
std::vector<double> logarithmic_ticks(double low, double high);

/// Formats a number for readers with four digits or as a whole number: "0.25", "16384", "3e-07"; "-" for NaN.
std::string short_number(double value);
/// Formats a number with the given number of decimals, never as "-0".
std::string fixed_number(double value, int decimals);

/// Maps values to the pixels between two ends.
class Axis {
 public:
  /// Spans all values that the scale can show, and 0 if asked. Spans 0 to 1 (logarithmic: 1 to 10) if there are none.
  /// The ticks cover the whole axis.
  Axis(Scale scale, std::span<const double> values, bool with_zero = false);

  /// Sets the pixels of both ends.
  void place(double begin, double end) noexcept;
  /// Returns the pixel of a value that the scale can show.
  double pixel(double value) const noexcept;
  const std::vector<double>& ticks() const noexcept { return ticks_; }
  /// Returns a tick's text.
  std::string label(double tick) const;

 private:
  Scale scale_;
  std::vector<double> ticks_;
  double begin_ = 0;
  double end_ = 1;
};

/// A colour, the marker or line that is drawn in it, and the name beside it.
struct LegendEntry {
  std::string_view name;
  std::string_view colour;
  std::size_t shape = 0;
  bool marker = true;
  bool line = false;
  bool dashed = false;
};

/// The title, axes, grid and legend around a plotting area.
struct Frame {
  std::string_view title;
  std::string_view x_label;
  std::string_view y_label;
  double width = 0;
  double height = 0;
  std::vector<LegendEntry> legend{};

  /// Returns the plotting area that is left by the y axis with its labels and by the legend.
  Box area(const Axis& y) const;
  /// Draws the title, both labels, the y axis with its grid, and the legend. The axis must have been placed.
  void draw(Svg& svg, const Axis& y) const;
};

/// Height of the room above the plotting area, which holds the title.
inline constexpr double kTitleHeight = 36;
void draw_title(Svg& svg, double width, std::string_view title);

}  // namespace pith::plot
