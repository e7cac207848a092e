#include "eval/kl_chart.h"

#include <gtest/gtest.h>

#include "plot/xml.h"

namespace pith::eval {
namespace {

using test::Xml;

KlRow row(const char* name, double bits, double mean) {
  KlRow row;
  row.kv = {.key = name, .value = name};
  row.bits_8k = bits;
  row.total.mean = mean;
  return row;
}

TEST(KlChart, JoinsCachesThatDifferInTheirNumber) {
  KlResult result;
  result.rows = {row("int8", 8.3, 1e-5), row("kivi4", 4.8, 1e-2), row("int4", 4.5, 1e-3), row("polarquant", 3.9, 0.1)};
  const Xml xml(kl_chart(result));
  for (const char* name : {"int8", "int4", "kivi4", "polarquant"}) EXPECT_TRUE(xml.has_text(name)) << name;
  EXPECT_EQ(xml.all("polyline").size(), 1U) << "only the two int caches are a family";
}

TEST(KlChart, LeavesOutTheFloorAndTheBaseline) {
  KlResult result;
  result.rows = {row("f32", 32, 0), row("int8", 8.3, 1e-5), row("f32-rotated", 32, 1e-11)};
  result.rows.back().is_floor = true;
  const Xml xml(kl_chart(result));
  EXPECT_TRUE(xml.has_text("int8"));
  EXPECT_FALSE(xml.has_text("f32"));
  EXPECT_FALSE(xml.has_text("f32-rotated"));
}

TEST(KlChart, NothingToDrawIsStillAChart) { EXPECT_TRUE(Xml(kl_chart(KlResult{})).has_text("no data")); }

}  // namespace
}  // namespace pith::eval
