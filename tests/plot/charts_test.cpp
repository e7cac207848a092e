#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "plot/bar_chart.h"
#include "plot/heat_map.h"
#include "plot/line_chart.h"
#include "plot/xml.h"

namespace pith::plot {
namespace {

using test::Xml;

HeatMap some_map() {
  return {.title = "recall <of> keys",
          .column_label = "length",
          .row_label = "depth & more",
          .value_label = "share",
          .columns = {"1024", "2048"},
          .rows = {"0 %", "50 %", "100 %"},
          .values = {{0.125, 1}, {NAN, 0.5}, {0.75}}};
}

/// Returns the fills of the cells, row by row: the rectangles after the background and before the legend.
std::vector<std::string> cell_fills(const Xml& xml, std::size_t count) {
  std::vector<std::string> fills;
  const std::vector<Xml::Element> boxes = xml.all("rect");
  for (std::size_t i = 1; i <= count; ++i) fills.push_back(boxes.at(i).value("fill"));
  return fills;
}

TEST(HeatMapPicture, HasEveryNumberAndLabel) {
  const Xml xml(heat_map(some_map()));
  for (const char* text : {"recall <of> keys", "length", "depth & more", "share", "1024", "2048", "0 %", "50 %",
                           "100 %", "0.12", "1.00", "0.50", "0.75"}) {
    EXPECT_TRUE(xml.has_text(text)) << text;
  }
  // NaN and the missing cell.
  const std::vector<std::string> texts = xml.texts();
  EXPECT_EQ(std::count(texts.begin(), texts.end(), "-"), 2);
}

TEST(HeatMapPicture, ColoursFollowValues) {
  const std::vector<std::string> fills = cell_fills(Xml(heat_map(some_map())), 6);
  EXPECT_EQ(fills[0], scale_colour(ColourScale::kSequential, 0));
  EXPECT_EQ(fills[1], scale_colour(ColourScale::kSequential, 1));
  EXPECT_EQ(fills[2], fills[5]);
  HeatMap map = some_map();
  map.low = 0;
  map.high = 2;
  EXPECT_EQ(cell_fills(Xml(heat_map(map)), 2)[1], scale_colour(ColourScale::kSequential, 0.5));
}

TEST(HeatMapPicture, DivergingScaleIsWhiteAtNothing) {
  HeatMap map = some_map();
  map.scale = ColourScale::kDiverging;
  map.values = {{-0.5, 1}, {0, -1}, {INFINITY, -INFINITY}};
  const std::vector<std::string> fills = cell_fills(Xml(heat_map(map)), 6);
  EXPECT_EQ(fills[0], scale_colour(ColourScale::kDiverging, 0.25));
  EXPECT_EQ(fills[2], "#f7f7f7");
  EXPECT_EQ(fills[4], fills[1]);
  EXPECT_EQ(fills[5], fills[3]);
}

TEST(HeatMapPicture, NothingToShow) {
  EXPECT_TRUE(Xml(heat_map({})).has_text("no data"));
  HeatMap map = some_map();
  map.values.clear();
  EXPECT_NO_THROW(Xml(heat_map(map)));
  map.values = {{1, 1}, {1, 1}, {1, 1}};
  EXPECT_NO_THROW(Xml(heat_map(map)));
}

TEST(Colours, AreTellable) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < 7; ++i) seen.insert(std::string(series_colour(i)));
  EXPECT_EQ(seen.size(), 7U);
  EXPECT_EQ(series_colour(7), series_colour(0));
  EXPECT_EQ(ink_on(scale_colour(ColourScale::kSequential, 0)), "#ffffff");
  EXPECT_EQ(ink_on(scale_colour(ColourScale::kSequential, 1)), "#000000");
  EXPECT_EQ(scale_colour(ColourScale::kSequential, 7), scale_colour(ColourScale::kSequential, 1));
}

LineChart some_lines() {
  return {.title = "KL & bits",
          .x_label = "bits",
          .y_label = "KL",
          .y_scale = Scale::kLogarithmic,
          .series = {{.name = "ours", .points = {{2, 0.05, "int2"}, {3, 0.01}, {4, 0.004}, {8, 0.0001, "int8"}}},
                     {.name = "<theirs>", .points = {{2.5, 0.5}, {NAN, 1}, {4.5, 0.04}, {8.5, 0}}, .dashed = true}}};
}

TEST(LineChartPicture, HasSeriesLabelsAndTicks) {
  const Xml xml(line_chart(some_lines()));
  for (const char* text : {"KL & bits", "bits", "KL", "ours", "<theirs>", "int2", "int8", "0.0001", "0.001", "0.1"}) {
    EXPECT_TRUE(xml.has_text(text)) << text;
  }
  // Discs for the points of the first series and its legend entry; squares for the points of the second that the axes
  // can show.
  EXPECT_EQ(xml.all("circle").size(), 4U + 1U);
  EXPECT_EQ(xml.all("polygon").size(), 2U + 1U);
  EXPECT_TRUE(xml.has_text("ours int2: 2, 0.05", "title"));
  // The second series is interrupted after each of its points, so only the first has a line.
  EXPECT_EQ(xml.all("polyline").size(), 1U);
}

TEST(LineChartPicture, HigherValuesAreHigher) {
  const std::vector<Xml::Element> discs = Xml(line_chart(some_lines())).all("circle");
  std::vector<std::pair<double, double>> spots;
  spots.reserve(discs.size());
  for (const Xml::Element& disc : discs) spots.emplace_back(disc.number("cx"), disc.number("cy"));
  // The legend is drawn first.
  EXPECT_LT(spots[1].first, spots[2].first);
  EXPECT_LT(spots[1].second, spots[2].second);
  EXPECT_LT(spots[3].second, spots[4].second);
}

TEST(LineChartPicture, TheLegendShowsWhatIsDrawn) {
  LineChart chart = some_lines();
  const std::size_t lines = Xml(line_chart(chart)).all("line").size();
  // A dashed line without markers has none in the legend either.
  chart.series[0].markers = false;
  chart.series[0].dashed = true;
  const Xml bare(line_chart(chart));
  EXPECT_EQ(bare.all("circle").size(), 0U);
  EXPECT_EQ(bare.all("line").size(), lines);
  std::size_t dashed = 0;
  for (const Xml::Element& line : bare.all("line")) {
    if (line.attributes.find("stroke-dasharray") != std::string::npos) ++dashed;
  }
  EXPECT_EQ(dashed, 2U);
  // Without a name there is no legend entry, and more room.
  chart = some_lines();
  chart.series.pop_back();
  const double with_legend = Xml(line_chart(chart)).all("circle").back().number("cx");
  chart.series[0].name.clear();
  const Xml nameless(line_chart(chart));
  EXPECT_EQ(nameless.all("circle").size(), 4U);
  EXPECT_GT(nameless.all("circle").back().number("cx"), with_legend);
  EXPECT_TRUE(nameless.has_text("int2: 2, 0.05", "title"));
}

TEST(LineChartPicture, ScatterAndNothing) {
  LineChart chart = some_lines();
  for (LineSeries& series : chart.series) series.line = false;
  EXPECT_EQ(Xml(line_chart(chart)).all("polyline").size(), 0U);
  EXPECT_TRUE(Xml(line_chart({})).has_text("no data"));
  chart.series = {{.name = "nothing", .points = {{NAN, NAN}, {1, -1}, {INFINITY, 1}}}};
  EXPECT_TRUE(Xml(line_chart(chart)).has_text("no data"));
  chart.series = {{.name = "one", .points = {{1, 1}}}};
  EXPECT_EQ(Xml(line_chart(chart)).all("circle").size(), 2U);
}

TEST(BarChartPicture, BarsAreAsTallAsTheirValues) {
  const BarChart chart{.title = "speed",
                       .x_label = "codec",
                       .y_label = "tokens/s",
                       .groups = {"a & b", "c"},
                       .series = {{"one", {10, 20}}, {"two", {-5, NAN}}, {"three", {}}}};
  const Xml xml(bar_chart(chart));
  for (const char* text : {"speed", "codec", "tokens/s", "a & b", "c", "one", "two", "three", "10", "20", "-5"}) {
    EXPECT_TRUE(xml.has_text(text)) << text;
  }
  const std::vector<Xml::Element> boxes = xml.all("rect");
  ASSERT_EQ(boxes.size(), 1U + 3U);
  EXPECT_NEAR(boxes[3].number("height"), 2 * boxes[1].number("height"), 0.03);
  EXPECT_NEAR(boxes[1].number("height"), 2 * boxes[2].number("height"), 0.03);
  // The negative bar hangs from the line on which the positive ones stand.
  EXPECT_NEAR(boxes[2].number("y"), boxes[1].number("y") + boxes[1].number("height"), 0.03);
  EXPECT_TRUE(xml.has_text("a & b, two: -5", "title"));
}

TEST(BarChartPicture, NothingToShow) {
  EXPECT_TRUE(Xml(bar_chart({})).has_text("no data"));
  EXPECT_TRUE(Xml(bar_chart({.groups = {"a"}, .series = {{"b", {INFINITY}}}})).has_text("no data"));
}

}  // namespace
}  // namespace pith::plot
