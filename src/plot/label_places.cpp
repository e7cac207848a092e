#include "plot/label_places.h"

#include <algorithm>
#include <array>
#include <limits>

namespace pith::plot {
namespace {

constexpr double kPointSize = 10;
/// Distances from a point to its label's near end, and to the label's middle line.
constexpr double kAside = 7;
constexpr double kAbove = 8;
/// Distance between rows of candidate places.
constexpr double kRow = 14;

double overlap(const Box& a, const Box& b) {
  const double width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const double height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

Box box_of(const LabelPlaces::Place& place, double width, double height) {
  const double left = place.anchor == Anchor::kEnd ? place.at.x - width : place.at.x;
  return {left, place.at.y - height / 2, width, height};
}

}  // namespace

void LabelPlaces::keep_free(Spot point) {
  taken_.push_back({point.x - kPointSize / 2, point.y - kPointSize / 2, kPointSize, kPointSize});
}

double LabelPlaces::cost(const Box& box) const {
  double covered = box.width * box.height - overlap(box, area_);
  for (const Box& other : taken_) covered += overlap(box, other);
  // Allows for rounding in the sums and differences of coordinates.
  return covered < 1e-6 ? 0 : covered;
}

LabelPlaces::Place LabelPlaces::take(Spot point, std::string_view label) {
  const double width = text_width(label, text_size_);
  constexpr std::array<double, 8> kDown = {-kAbove,
                                           kAbove,
                                           -kAbove - kRow,
                                           kAbove + kRow,
                                           -kAbove - 2 * kRow,
                                           kAbove + 2 * kRow,
                                           -kAbove - 3 * kRow,
                                           kAbove + 3 * kRow};
  Place best;
  double least = std::numeric_limits<double>::infinity();
  for (const double down : kDown) {
    for (const Anchor anchor : {Anchor::kStart, Anchor::kEnd}) {
      const double aside = anchor == Anchor::kStart ? kAside : -kAside;
      const Place place{{point.x + aside, point.y + down}, anchor, down < -kAbove || down > kAbove};
      const double covered = cost(box_of(place, width, text_size_));
      if (covered >= least) continue;
      least = covered;
      best = place;
    }
    if (least == 0) break;
  }
  taken_.push_back(box_of(best, width, text_size_));
  return best;
}

}  // namespace pith::plot
