#include "plot/label_places.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace pith::plot {
namespace {

constexpr double kSize = 11;
constexpr Box kArea = {50, 40, 400, 300};

Box box_of(const LabelPlaces::Place& place, std::string_view label) {
  const double width = text_width(label, kSize);
  return {place.anchor == Anchor::kEnd ? place.at.x - width : place.at.x, place.at.y - kSize / 2, width, kSize};
}

bool apart(const Box& a, const Box& b) {
  return a.x >= b.x + b.width || b.x >= a.x + a.width || a.y >= b.y + b.height || b.y >= a.y + a.height;
}

TEST(LabelPlaces, AloneItIsAtTheUpperRight) {
  LabelPlaces places(kArea, kSize);
  places.keep_free({100, 100});
  const LabelPlaces::Place place = places.take({100, 100}, "int4");
  EXPECT_GT(place.at.x, 100);
  EXPECT_LT(place.at.y, 100);
  EXPECT_EQ(place.anchor, Anchor::kStart);
  EXPECT_FALSE(place.apart);
}

TEST(LabelPlaces, StaysInTheArea) {
  for (const Spot point : {Spot{50, 40}, Spot{450, 40}, Spot{50, 340}, Spot{450, 340}}) {
    LabelPlaces places(kArea, kSize);
    places.keep_free(point);
    const Box box = box_of(places.take(point, "turboquant-mse4"), "turboquant-mse4");
    EXPECT_GE(box.x, kArea.x);
    EXPECT_GE(box.y, kArea.y);
    EXPECT_LE(box.x + box.width, kArea.x + kArea.width);
    EXPECT_LE(box.y + box.height, kArea.y + kArea.height);
  }
}

// Points lie as codecs with equal bits do in a chart of errors.
TEST(LabelPlaces, AHeapOfPointsCanBeRead) {
  LabelPlaces places(kArea, kSize);
  std::vector<Spot> points;
  points.reserve(8);
  for (int i = 0; i < 8; ++i) points.push_back({200.0 + 3 * (i % 3), 150.0 + 5 * i});
  std::vector<Box> taken;
  taken.reserve(points.size());
  for (const Spot& point : points) {
    places.keep_free(point);
    taken.push_back({point.x - 4, point.y - 4, 8, 8});
  }
  bool any_apart = false;
  for (const Spot& point : points) {
    const LabelPlaces::Place place = places.take(point, "turboquant-prod2");
    const Box box = box_of(place, "turboquant-prod2");
    for (const Box& other : taken) EXPECT_TRUE(apart(box, other)) << box.x << " " << box.y;
    taken.push_back(box);
    any_apart = any_apart || place.apart;
  }
  EXPECT_TRUE(any_apart);
}

TEST(LabelPlaces, WhereNothingIsFreeItStillHasOne) {
  LabelPlaces places({0, 0, 20, 10}, kSize);
  for (int i = 0; i < 30; ++i) {
    const LabelPlaces::Place place = places.take({10, 5}, "a long name");
    EXPECT_LT(std::abs(place.at.x - 10), 10);
    EXPECT_LT(std::abs(place.at.y - 5), 60);
  }
}

}  // namespace
}  // namespace pith::plot
