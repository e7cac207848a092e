#pragma once

#include <string_view>
#include <vector>

#include "plot/svg.h"

namespace pith::plot {

/// Finds places for the names of points, so that they run neither into one another nor into other points.
class LabelPlaces {
 public:
  struct Place {
    Spot at;  ///< On the text's middle line.
    Anchor anchor = Anchor::kStart;
    /// So far from the point that a line should lead there.
    bool apart = false;
  };

  /// Labels of one size, within an area.
  LabelPlaces(const Box& area, double text_size) : area_(area), text_size_(text_size) {}

  /// No label goes where a point is drawn.
  void keep_free(Spot point);
  /// The nearest free place beside a point; if there is none, where the least is covered. It is taken from then on.
  Place take(Spot point, std::string_view label);

 private:
  /// What a label in that place would cover, and how much of it would stick out, in square pixels.
  double cost(const Box& box) const;

  Box area_;
  double text_size_;
  std::vector<Box> taken_;
};

}  // namespace pith::plot
