#include "plot/colours.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace pith::plot {
namespace {

constexpr std::string_view kNoValue = "#eeeeee";

/// Red, green and blue in [0, 255].
using Rgb = std::array<double, 3>;

// Evenly spaced along the scale. The lightness of the first scale rises evenly, as in viridis.
constexpr std::array<Rgb, 6> kSequential = {
    {{68, 1, 84}, {65, 68, 135}, {42, 120, 142}, {34, 168, 132}, {122, 209, 81}, {253, 231, 37}}};
constexpr std::array<Rgb, 5> kDiverging = {
    {{0, 90, 156}, {117, 170, 209}, {247, 247, 247}, {240, 170, 110}, {194, 80, 0}}};

std::span<const Rgb> stops(ColourScale scale) {
  if (scale == ColourScale::kDiverging) return kDiverging;
  return kSequential;
}

double channel(std::string_view colour, std::size_t index) {
  int value = 0;
  if (colour.size() < 7) return 0;
  std::from_chars(colour.data() + 1 + 2 * index, colour.data() + 3 + 2 * index, value, 16);
  return static_cast<double>(value);
}

}  // namespace

std::string_view series_colour(std::size_t index) {
  constexpr std::array<std::string_view, 7> kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                        "#e69f00", "#56b4e9", "#000000"};
  return kColours[index % kColours.size()];
}

std::string scale_colour(ColourScale scale, double share) {
  if (std::isnan(share)) return std::string(kNoValue);
  const std::span<const Rgb> all = stops(scale);
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(all.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(place), all.size() - 2);
  const double part = place - static_cast<double>(below);
  const auto mixed = [&](std::size_t i) {
    return static_cast<int>(std::lround(all[below][i] * (1 - part) + all[below + 1][i] * part));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mixed(0), mixed(1), mixed(2));
}

std::string_view ink_on(std::string_view colour) {
  // Rec. 709 weights on the gamma-encoded channels: close enough to choose between two inks.
  const double lightness = 0.2126 * channel(colour, 0) + 0.7152 * channel(colour, 1) + 0.0722 * channel(colour, 2);
  return lightness > 130 ? "#000000" : "#ffffff";
}

}  // namespace pith::plot
