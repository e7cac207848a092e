#include "plot/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iterator>
#include <stdexcept>

namespace pith::plot {
namespace {

constexpr std::string_view kRootStart = "<svg xmlns=\"http://www.w3.org/2000/svg\" ";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr double kMarkerRadius = 4;

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// Returns the length in bytes of the first character; 0 if it is not UTF-8 or XML 1.0 excludes it.
std::size_t character_bytes(std::string_view text) {
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  unsigned code_point = first & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, i) & 0xC0U) != 0x80U) return 0;
    code_point = (code_point << 6) | (byte_at(text, i) & 0x3FU);
  }
  constexpr std::array<unsigned, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  const bool excluded = code_point == 0xFFFE || code_point == 0xFFFF || code_point > 0x10FFFF;
  return code_point < kLeast[size] || surrogate || excluded ? 0 : size;
}

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

std::string_view anchor_name(Anchor anchor) {
  switch (anchor) {
    case Anchor::kMiddle:
      return "middle";
    case Anchor::kEnd:
      return "end";
    case Anchor::kStart:
      break;
  }
  return "start";
}

std::string stroke_attributes(const Stroke& stroke) {
  return fmt::format("stroke=\"{}\" stroke-width=\"{}\"{}", stroke.colour, coordinate(stroke.width),
                     stroke.dashed ? " stroke-dasharray=\"5 4\"" : "");
}

std::string points(std::span<const Spot> spots) {
  std::string list;
  for (const Spot& spot : spots) {
    fmt::format_to(std::back_inserter(list), "{}{},{}", list.empty() ? "" : " ", coordinate(spot.x),
                   coordinate(spot.y));
  }
  return list;
}

/// Returns the corners of a regular polygon. The first lies at `turn` of a full circle clockwise from the top.
std::vector<Spot> polygon(Spot centre, int corners, double radius, double turn) {
  std::vector<Spot> spots;
  spots.reserve(static_cast<std::size_t>(corners));
  for (int i = 0; i < corners; ++i) {
    const double angle = 2 * 3.14159265358979323846 * (turn + static_cast<double>(i) / corners);
    spots.push_back({centre.x + radius * std::sin(angle), centre.y - radius * std::cos(angle)});
  }
  return spots;
}

/// Returns a numeric attribute of a root tag.
double attribute(std::string_view tag, std::string_view name) {
  const std::size_t at = tag.find(name);
  double value = 0;
  if (at == std::string_view::npos) throw std::invalid_argument("not a picture of plot::Svg");
  const char* begin = tag.data() + at + name.size();
  if (std::from_chars(begin, tag.data() + tag.size(), value).ec != std::errc()) {
    throw std::invalid_argument("not a picture of plot::Svg");
  }
  return value;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = character_bytes(text.substr(at));
    const std::string_view named = entity(text[at]);
    if (size == 0) {
      result += kReplacement;
    } else {
      result += named.empty() ? text.substr(at, size) : named;
    }
    at += std::max<std::size_t>(size, 1);
  }
  return result;
}

std::string coordinate(double value) {
  if (!std::isfinite(value)) return "0";
  std::string text = fmt::format("{:.2f}", value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text == "-0" ? "0" : text;
}

double text_width(std::string_view text, double size) {
  constexpr double kShareOfSize = 0.58;
  const auto characters =
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
  return kShareOfSize * size * static_cast<double>(characters);
}

Svg::Svg(double width, double height, std::string_view title) {
  const std::string w = coordinate(width);
  const std::string h = coordinate(height);
  out_ = fmt::format(
      "{}width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" font-family=\"system-ui, sans-serif\">\n"
      "<title>{}</title>\n",
      kRootStart, w, h, w, h, escape(title));
  rectangle({0, 0, width, height}, kPaper);
}

void Svg::close_with(std::string_view element, std::string_view tooltip) {
  if (tooltip.empty()) {
    out_ += "/>\n";
  } else {
    fmt::format_to(std::back_inserter(out_), "><title>{}</title></{}>\n", escape(tooltip), element);
  }
}

void Svg::rectangle(const Box& box, std::string_view fill, std::string_view tooltip) {
  fmt::format_to(std::back_inserter(out_), "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"",
                 coordinate(box.x), coordinate(box.y), coordinate(box.width), coordinate(box.height), fill);
  close_with("rect", tooltip);
}

void Svg::line(Spot from, Spot to, const Stroke& stroke) {
  fmt::format_to(std::back_inserter(out_), "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {}/>\n", coordinate(from.x),
                 coordinate(from.y), coordinate(to.x), coordinate(to.y), stroke_attributes(stroke));
}

void Svg::polyline(std::span<const Spot> spots, const Stroke& stroke) {
  fmt::format_to(std::back_inserter(out_), "<polyline points=\"{}\" fill=\"none\" {}/>\n", points(spots),
                 stroke_attributes(stroke));
}

void Svg::marker(Spot at, std::size_t shape, std::string_view fill, std::string_view tooltip) {
  struct Form {
    int corners;  // 0: a disc
    double size;
    double turn;
  };
  constexpr std::array<Form, 6> kForms = {
      {{0, 1.0, 0.0}, {4, 1.3, 0.125}, {3, 1.4, 0.0}, {4, 1.4, 0.0}, {3, 1.4, 0.5}, {6, 1.15, 0.0}}};
  const Form& form = kForms[shape % kForms.size()];
  if (form.corners == 0) {
    fmt::format_to(std::back_inserter(out_), "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{}\"", coordinate(at.x),
                   coordinate(at.y), coordinate(kMarkerRadius), fill);
    return close_with("circle", tooltip);
  }
  fmt::format_to(std::back_inserter(out_), "<polygon points=\"{}\" fill=\"{}\"",
                 points(polygon(at, form.corners, form.size * kMarkerRadius, form.turn)), fill);
  close_with("polygon", tooltip);
}

void Svg::text(Spot at, std::string_view text, const TextStyle& style) {
  // Half the height of a capital letter, used because renderers do not agree on dominant-baseline.
  constexpr double kToBaseline = 0.35;
  const double down = kToBaseline * style.size;
  const Spot base = style.upward ? Spot{at.x + down, at.y} : Spot{at.x, at.y + down};
  const std::string turn =
      style.upward ? fmt::format(" transform=\"rotate(-90 {} {})\"", coordinate(base.x), coordinate(base.y)) : "";
  fmt::format_to(std::back_inserter(out_),
                 "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\" text-anchor=\"{}\"{}{}>{}</text>\n",
                 coordinate(base.x), coordinate(base.y), coordinate(style.size), style.colour,
                 anchor_name(style.anchor), style.bold ? " font-weight=\"bold\"" : "", turn, escape(text));
}

void Svg::picture(Spot at, std::string_view svg) {
  if (!svg.starts_with(kRootStart)) throw std::invalid_argument("not a picture of plot::Svg");
  fmt::format_to(std::back_inserter(out_), "<svg x=\"{}\" y=\"{}\" {}", coordinate(at.x), coordinate(at.y),
                 svg.substr(kRootStart.size()));
}

std::string Svg::finish() && {
  out_ += "</svg>\n";
  return std::move(out_);
}

Spot picture_size(std::string_view svg) {
  if (!svg.starts_with(kRootStart)) throw std::invalid_argument("not a picture of plot::Svg");
  const std::string_view tag = svg.substr(0, svg.find('>'));
  return {attribute(tag, " width=\""), attribute(tag, " height=\"")};
}

std::string arrange(std::span<const std::string> pictures, std::size_t columns, std::string_view title) {
  columns = std::max<std::size_t>(columns, 1);
  std::vector<double> widths(columns, 0.0);
  std::vector<double> heights((pictures.size() + columns - 1) / columns, 0.0);
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (pictures[i].empty()) continue;
    const Spot size = picture_size(pictures[i]);
    widths[i % columns] = std::max(widths[i % columns], size.x);
    heights[i / columns] = std::max(heights[i / columns], size.y);
  }
  Spot whole;
  for (const double width : widths) whole.x += width;
  for (const double height : heights) whole.y += height;
  Svg svg(whole.x, whole.y, title);
  Spot at;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    if (!pictures[i].empty()) svg.picture(at, pictures[i]);
    at.x += widths[i % columns];
    if (i % columns == columns - 1) at = {0, at.y + heights[i / columns]};
  }
  return std::move(svg).finish();
}

}  // namespace pith::plot
