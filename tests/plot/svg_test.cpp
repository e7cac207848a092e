#include "plot/svg.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "plot/xml.h"

namespace pith::plot {
namespace {

using test::Xml;

constexpr const char* kReplacement = "\xEF\xBF\xBD";

TEST(Xml, FindsFaults) {
  EXPECT_NO_THROW(Xml("<a x=\"1\"><b/>text &amp; more</a>\n"));
  for (const char* fault : {"<a>", "</a>", "<a><b></a></b>", "<a x=1/>", "<a>&</a>", "<a>&unheard;</a>", "<a/><b/>",
                            "<a", "text", "<a x=\"&\"/>"}) {
    EXPECT_THROW(Xml{fault}, std::runtime_error) << fault;
  }
}

TEST(Escape, MarkupAndWhatXmlCannotHold) {
  EXPECT_EQ(escape("a < b && \"c\" > 'd'"), "a &lt; b &amp;&amp; &quot;c&quot; &gt; &#39;d&#39;");
  EXPECT_EQ(escape("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n"), "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n");
  for (const std::string& bad : {std::string("\x01"), std::string("\0", 1), std::string("\xFF"), std::string("\xC3"),
                                 std::string("\xC0"), std::string("\x80"), std::string("\xEF\xBF\xBF")}) {
    EXPECT_EQ(escape("a" + bad).substr(0, 4), std::string("a") + kReplacement) << testing::PrintToString(bad);
  }
  // Every byte of a surrogate or an overlong form is invalid by itself.
  EXPECT_EQ(escape("\xED\xA0\x80"), std::string(kReplacement) + kReplacement + kReplacement);
  EXPECT_EQ(escape("\xE0\x80\x80z"), std::string(kReplacement) + kReplacement + kReplacement + "z");
  EXPECT_EQ(escape("\xF4\x90\x80\x80").size(), 12U);
}

TEST(Coordinate, IsShortAndAlwaysANumber) {
  EXPECT_EQ(coordinate(12.5), "12.5");
  EXPECT_EQ(coordinate(100), "100");
  EXPECT_EQ(coordinate(0.126), "0.13");
  EXPECT_EQ(coordinate(-0.001), "0");
  EXPECT_EQ(coordinate(NAN), "0");
  EXPECT_EQ(coordinate(INFINITY), "0");
}

TEST(SvgFile, StandsAlone) {
  Svg svg(200, 100, "a < b");
  svg.rectangle({1, 2, 3, 4}, "#ff0000", "tip & more");
  svg.line({0, 0}, {5, 5});
  const std::vector<Spot> spots = {{0, 0}, {1, 2}};
  svg.polyline(spots, {.dashed = true});
  for (std::size_t shape = 0; shape < 8; ++shape) svg.marker({5, 5}, shape, "#000000", "tip");
  svg.text({10, 10}, "<script>", {.upward = true});
  const std::string text = std::move(svg).finish();
  const Xml xml(text);
  EXPECT_EQ(xml.elements()[0].name, "svg");
  EXPECT_EQ(xml.elements()[0].value("viewBox"), "0 0 200 100");
  EXPECT_EQ(xml.elements()[1].text, "a < b");
  // The background comes first and covers everything.
  EXPECT_EQ(xml.elements()[2].name, "rect");
  EXPECT_EQ(xml.elements()[2].number("width"), 200);
  EXPECT_EQ(xml.elements()[2].value("fill"), kPaper);
  EXPECT_TRUE(xml.has_text("<script>"));
  EXPECT_TRUE(xml.has_text("tip & more", "title"));
  EXPECT_EQ(text.find("id=\""), std::string::npos);
}

TEST(Arrange, PutsPicturesIntoRows) {
  const auto make = [](double width, double height) { return Svg(width, height, "part").finish(); };
  const std::vector<std::string> parts = {make(100, 50), make(80, 60), make(120, 10)};
  EXPECT_EQ(picture_size(parts[1]).x, 80);
  const std::string whole = arrange(parts, 2, "whole");
  const std::vector<Xml::Element> pictures = Xml(whole).all("svg");
  ASSERT_EQ(pictures.size(), 4U);
  EXPECT_EQ(pictures[0].number("width"), 200);
  EXPECT_EQ(pictures[0].number("height"), 70);
  EXPECT_EQ(pictures[2].number("x"), 120);
  EXPECT_EQ(pictures[2].number("y"), 0);
  EXPECT_EQ(pictures[3].number("x"), 0);
  EXPECT_EQ(pictures[3].number("y"), 60);
  EXPECT_EQ(picture_size(whole).x, 200);
  const std::vector<std::string> gap = {"", parts[0]};
  EXPECT_EQ(Xml(arrange(gap, 1, "gap")).all("svg").at(1).number("y"), 0);
  EXPECT_EQ(Xml(arrange(gap, 2, "gap")).all("svg").at(0).number("width"), 100);
  EXPECT_NO_THROW(Xml(arrange({}, 0, "nothing")));
  EXPECT_THROW(picture_size("<svg>"), std::invalid_argument);
}

}  // namespace
}  // namespace pith::plot
