#include "plot/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace pith::plot {
namespace {

constexpr double kTickSize = 11;
constexpr double kLegendSize = 12;
constexpr double kLegendRow = 20;
constexpr double kLegendLine = 20;
constexpr double kMargin = 16;

/// Returns 1, 2, 5 or 10 times a power of ten, whichever is the smallest that is at least `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    // With a tolerance, since 0.2 may arrive as 0.20000000000000001.
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

/// The smallest and largest of the values that the scale can show, made distinct.
struct Range {
  double low;
  double high;
};

Range range_of(Scale scale, std::span<const double> values, bool with_zero) {
  std::vector<double> placed;
  placed.reserve(values.size() + 1);
  std::copy_if(values.begin(), values.end(), std::back_inserter(placed),
               [&](double value) { return has_place(value, scale); });
  if (with_zero && scale == Scale::kLinear) placed.push_back(0.0);
  if (placed.empty()) return scale == Scale::kLinear ? Range{0, 1} : Range{1, 10};
  const auto [least, most] = std::minmax_element(placed.begin(), placed.end());
  if (scale == Scale::kLogarithmic) return *most > *least * 1.001 ? Range{*least, *most} : Range{*least / 2, *most * 2};
  const double size = std::max(std::abs(*least), std::abs(*most));
  if (*most - *least > 1e-9 * size && size > 1e-290) return {*least, *most};
  if (size <= 1e-290) return {0, 1};
  return {*least - 0.1 * size, *most + 0.1 * size};
}

double legend_width(const std::vector<LegendEntry>& legend) {
  double width = 0;
  for (const LegendEntry& entry : legend) width = std::max(width, text_width(entry.name, kLegendSize));
  return legend.empty() ? 0 : width + 3 * kMargin;
}

}  // namespace

bool has_place(double value, Scale scale) noexcept {
  // Beyond these limits, differences and powers overflow.
  constexpr double kMost = 1e300;
  if (!std::isfinite(value) || std::abs(value) > kMost) return false;
  return scale == Scale::kLinear || value > 1 / kMost;
}

std::vector<double> linear_ticks(double low, double high, int count) {
  const double step = round_step((high - low) / std::max(count - 1, 1));
  const double first = std::floor(low / step + 1e-9);
  const double last = std::max(std::ceil(high / step - 1e-9), first + 1);
  std::vector<double> ticks(static_cast<std::size_t>(last - first) + 1);
  // Negative powers of ten are not exact, but their inverses are.
  const double inverse = std::round(1 / step);
  for (std::size_t i = 0; i < ticks.size(); ++i) {
    const double steps = first + static_cast<double>(i);
    ticks[i] = step < 1 && inverse < 1e15 ? steps / inverse : steps * step;
  }
  return ticks;
}

std::vector<double> logarithmic_ticks(double low, double high) {
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const int last = std::max(static_cast<int>(std::ceil(std::log10(high) - 1e-9)), first + 1);
  const int stride = (last - first) / 10 + 1;
  std::vector<double> ticks;
  for (int power = first; power < last + stride; power += stride) {
    const double decade = std::pow(10.0, power);
    ticks.push_back(decade);
    if (last - first > 2) continue;
    for (const double factor : {2.0, 5.0}) {
      if (power < last) ticks.push_back(factor * decade);
    }
  }
  // Removes the finer ticks that are not needed to span the range.
  while (ticks.size() > 2 && ticks[1] <= low * (1 + 1e-9)) ticks.erase(ticks.begin());
  while (ticks.size() > 2 && ticks[ticks.size() - 2] >= high * (1 - 1e-9)) ticks.pop_back();
  return ticks;
}

std::string short_number(double value) {
  if (std::isnan(value)) return "-";
  std::string text = fmt::format("{:.4g}", value == 0 ? 0.0 : value);
  if (text.find('e') == std::string::npos) return text;
  // Prints in full the whole numbers that readers know by their digits: 16384, 131072.
  const bool whole = value == std::round(value) && std::abs(value) < 1e7;
  return whole ? fmt::format("{:.0f}", value) : text;
}

std::string fixed_number(double value, int decimals) {
  if (std::isnan(value)) return "-";
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find_first_not_of("-0.") == std::string::npos && text.front() == '-') text.erase(0, 1);
  return text;
}

Axis::Axis(Scale scale, std::span<const double> values, bool with_zero) : scale_(scale) {
  const Range range = range_of(scale, values, with_zero);
  ticks_ = scale == Scale::kLinear ? linear_ticks(range.low, range.high) : logarithmic_ticks(range.low, range.high);
}

void Axis::place(double begin, double end) noexcept {
  begin_ = begin;
  end_ = end;
}

double Axis::pixel(double value) const noexcept {
  const double low = ticks_.front();
  const double high = ticks_.back();
  const double share =
      scale_ == Scale::kLinear ? (value - low) / (high - low) : std::log(value / low) / std::log(high / low);
  return begin_ + share * (end_ - begin_);
}

std::string Axis::label(double tick) const { return short_number(tick); }

Box Frame::area(const Axis& y) const {
  double widest = 0;
  for (const double tick : y.ticks()) widest = std::max(widest, text_width(y.label(tick), kTickSize));
  const double left = kMargin + (y_label.empty() ? 0 : 1.5 * kLegendSize) + widest + 8;
  const double right = std::max(legend_width(legend), 1.5 * kMargin);
  const double bottom = kMargin + kTickSize + (x_label.empty() ? 0 : 2 * kLegendSize);
  // However long the names are, leave some room for what they name.
  return {left, kTitleHeight, std::max(width - left - right, 80.0), std::max(height - kTitleHeight - bottom, 80.0)};
}

void draw_title(Svg& svg, double width, std::string_view title) {
  svg.text({width / 2, kTitleHeight / 2}, title, {.size = 14, .anchor = Anchor::kMiddle, .bold = true});
}

void Frame::draw(Svg& svg, const Axis& y) const {
  const Box box = area(y);
  const double right = box.x + box.width;
  draw_title(svg, width, title);
  for (const double tick : y.ticks()) {
    svg.line({box.x, y.pixel(tick)}, {right, y.pixel(tick)}, {.colour = kGridInk});
    svg.text({box.x - 6, y.pixel(tick)}, y.label(tick), {.size = kTickSize, .anchor = Anchor::kEnd});
  }
  const TextStyle label{.size = kLegendSize, .anchor = Anchor::kMiddle};
  svg.text({box.x + box.width / 2, height - kMargin}, x_label, label);
  svg.text({kMargin, box.y + box.height / 2}, y_label,
           {.size = kLegendSize, .anchor = Anchor::kMiddle, .upward = true});
  for (std::size_t i = 0; i < legend.size(); ++i) {
    const double middle = box.y + kLegendRow * (static_cast<double>(i) + 0.5);
    const double x = right + kMargin;
    if (legend[i].line) {
      svg.line({x - kLegendLine / 2, middle}, {x + kLegendLine / 2, middle},
               {.colour = legend[i].colour, .width = 2, .dashed = legend[i].dashed});
    }
    if (legend[i].marker) svg.marker({x, middle}, legend[i].shape, legend[i].colour);
    svg.text({right + 1.85 * kMargin, middle}, legend[i].name, {.size = kLegendSize});
  }
}

}  // namespace pith::plot
