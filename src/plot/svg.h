#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

// SVG files without styles, scripts or ids, so that they stand alone and any number of them fit into one HTML page.
// They always paint their background, so that they look the same in light and dark mode.
namespace pith::plot {

/// A position in pixels from the top left corner.
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
  /// Whether the text reads from bottom to top.
  bool upward = false;
};

struct Stroke {
  std::string_view colour = kInk;
  double width = 1;
  bool dashed = false;
};

/// Escapes text for XML. Characters that XML cannot hold and bytes that are not UTF-8 become U+FFFD.
std::string escape(std::string_view text);

/// Formats a coordinate with at most two decimals and without trailing zeros.
std::string coordinate(double value);

/// Estimates the width at which a text is drawn, in pixels.
double text_width(std::string_view text, double size);

/// A picture that is built shape by shape.
class Svg {
 public:
  /// The title is read by screen readers and shown as a tooltip, but not drawn.
  Svg(double width, double height, std::string_view title);

  void rectangle(const Box& box, std::string_view fill, std::string_view tooltip = {});
  void line(Spot from, Spot to, const Stroke& stroke = {});
  void polyline(std::span<const Spot> spots, const Stroke& stroke);
  /// Draws a small filled shape around a position. Shapes 0, 1, 2, … are disc, square, triangle, diamond and so on in
  /// turn.
  void marker(Spot at, std::size_t shape, std::string_view fill, std::string_view tooltip = {});
  /// Draws one line of text; `at` is on its middle line.
  void text(Spot at, std::string_view text, const TextStyle& style = {});
  /// Draws another picture as a part of this one.
  void picture(Spot at, std::string_view svg);

  std::string finish() &&;

 private:
  void close_with(std::string_view element, std::string_view tooltip);

  std::string out_;
};

/// Returns the width and height of a picture that Svg made. Throws std::invalid_argument for anything else.
Spot picture_size(std::string_view svg);

/// Arranges pictures row by row in one picture. An empty string leaves its place free.
std::string arrange(std::span<const std::string> pictures, std::size_t columns, std::string_view title);

}  // namespace pith::plot
