#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

// SVG files without styles, scripts and ids: they stand alone, and any number of them go into one HTML page. The
// background is always painted, so that they read the same in light and dark mode.
namespace pith::plot {

/// A place in pixels from the top left.
struct Spot {
  double x = 0;
  double y = 0;
};

struct Box {
  double x = 0;
  double y = 0;
  double width = 0;
  double height = 0;
};

enum class Anchor { kStart, kMiddle, kEnd };

inline constexpr std::string_view kInk = "#222222";
inline constexpr std::string_view kFaintInk = "#666666";
inline constexpr std::string_view kGridInk = "#dddddd";
inline constexpr std::string_view kPaper = "#ffffff";

struct TextStyle {
  double size = 12;
  Anchor anchor = Anchor::kStart;
  std::string_view colour = kInk;
  bool bold = false;
  /// Reads from bottom to top.
  bool upward = false;
};

struct Stroke {
  std::string_view colour = kInk;
  double width = 1;
  bool dashed = false;
};

/// Text for XML. Characters that XML cannot hold and bytes that are no UTF-8 become U+FFFD.
std::string escape(std::string_view text);

/// A coordinate: two decimals at most, no trailing zeros.
std::string coordinate(double value);

/// About how wide a text is drawn, in pixels.
double text_width(std::string_view text, double size);

/// A picture that grows shape by shape.
class Svg {
 public:
  /// The title is what screen readers say and what appears as a tooltip; it is not drawn.
  Svg(double width, double height, std::string_view title);

  void rectangle(const Box& box, std::string_view fill, std::string_view tooltip = {});
  void line(Spot from, Spot to, const Stroke& stroke = {});
  void polyline(std::span<const Spot> spots, const Stroke& stroke);
  /// A small filled shape around a place: disc, square, triangle, diamond and so on in turn.
  void marker(Spot at, std::size_t shape, std::string_view fill, std::string_view tooltip = {});
  /// One line of text; `at` is on its middle line.
  void text(Spot at, std::string_view text, const TextStyle& style = {});
  /// Another picture as a part of this one.
  void picture(Spot at, std::string_view svg);

  std::string finish() &&;

 private:
  void close_with(std::string_view element, std::string_view tooltip);

  std::string out_;
};

/// Width and height of a picture that Svg made. Throws std::invalid_argument for anything else.
Spot picture_size(std::string_view svg);

/// Pictures side by side, row by row, as one; an empty string leaves its place free.
std::string arrange(std::span<const std::string> pictures, std::size_t columns, std::string_view title);

}  // namespace pith::plot
