#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plot/svg.h"

namespace pith::plot {

enum class Scale { kLinear, kLogarithmic };

/// Whether a value has a place on a scale: finite, and above 0 on a logarithmic one.
bool has_place(double value, Scale scale) noexcept;

/// Round numbers (1, 2 or 5 times a power of ten apart) from the last one below `low` to the first one above `high`;
/// about `count` of them.
std::vector<double> linear_ticks(double low, double high, int count = 6);
/// Powers of ten; 2 and 5 times those as well where the range is short. Of 0 < low < high.
std::vector<double> logarithmic_ticks(double low, double high);

/// A number for readers, of four digits or whole: "0.25", "16384", "3e-07"; "-" for NaN.
std::string short_number(double value);
/// A number with so many decimals, never "-0".
std::string fixed_number(double value, int decimals);

/// Where values lie between two pixels.
class Axis {
 public:
  /// An axis that holds all values that have a place on the scale, and 0 if asked; from 0 to 1 (1 to 10) if there are
  /// none. The ticks span it.
  Axis(Scale scale, std::span<const double> values, bool with_zero = false);

  /// The pixels of both ends.
  void place(double begin, double end) noexcept;
  /// The pixel of a value that has a place.
  double pixel(double value) const noexcept;
  const std::vector<double>& ticks() const noexcept { return ticks_; }
  /// A tick's text.
  std::string label(double tick) const;

 private:
  Scale scale_;
  std::vector<double> ticks_;
  double begin_ = 0;
  double end_ = 1;
};

/// A colour, with the shape or line that is drawn in it, and a name beside it.
struct LegendEntry {
  std::string_view name;
  std::string_view colour;
  std::size_t shape = 0;
  bool marker = true;
  bool line = false;
  bool dashed = false;
};

/// Title, axes, grid and legend around a plotting area.
struct Frame {
  std::string_view title;
  std::string_view x_label;
  std::string_view y_label;
  double width = 0;
  double height = 0;
  std::vector<LegendEntry> legend{};

  /// Where values go, given the y axis with its labels.
  Box area(const Axis& y) const;
  /// Title, both labels, the y axis with its grid, the legend. The axis must have been placed.
  void draw(Svg& svg, const Axis& y) const;
};

/// Room above the plotting area, with a title in it.
inline constexpr double kTitleHeight = 36;
void draw_title(Svg& svg, double width, std::string_view title);

}  // namespace pith::plot
