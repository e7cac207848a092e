#pragma once

#include <string_view>
#include <vector>

#include "plot/svg.h"

namespace pith::plot {

/// Finds places for the names of points, so that they overlap neither each other nor other points.
class LabelPlaces {
 public:
  struct Place {
    Spot at;  ///< On the text's middle line.
    Anchor anchor = Anchor::kStart;
    /// Whether the label is so far from its point that a line should connect them.
    bool apart = false;
  };

  /// Places labels of one text size within an area.
  LabelPlaces(const Box& area, double text_size) : area_(area), text_size_(text_size) {}

  /// Keeps labels away from a point that is drawn.
  void keep_free(Spot point);
  /// Returns the nearest free place beside a point, or the one that covers the least if there is none. The place is
  /// occupied from then on.
  Place take(Spot point, std::string_view label);

 private:
  /// Returns what a label in that box would cover, plus how much of it would leave the area, in square pixels.
  double cost(const Box& box) const;

  Box area_;
  double text_size_;
  std::vector<Box> taken_;
};

}  // namespace pith::plot
