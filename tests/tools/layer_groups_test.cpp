#include "tools/layer_groups.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace pith::tools {
namespace {

ModelProperty number(const std::string& name, std::uint64_t value) { return {name, value}; }

TEST(LayerGroups, LayersThatAgreeStandTogether) {
  const GroupedSpecification grouped = group_layers({
      number("hidden_size", 64),
      number("layers.0.size", 8),
      number("layers.0.window", 5),
      number("layers.0.rope", 1),
      number("layers.1.size", 8),
      number("layers.1.window", 0),
      number("layers.1.rope", 0),
      number("layers.2.size", 8),
      number("layers.2.window", 5),
      number("layers.2.rope", 1),
      number("output_norm.kind", 1),
  });
  EXPECT_EQ(grouped.model, (std::vector<ModelProperty>{number("hidden_size", 64), number("output_norm.kind", 1)}));
  ASSERT_EQ(grouped.groups.size(), 3U);
  EXPECT_EQ(grouped.groups[0].layers, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(grouped.groups[0].properties, (std::vector<ModelProperty>{number("size", 8)}));
  EXPECT_EQ(grouped.groups[1].layers, (std::vector<int>{0, 2}));
  EXPECT_EQ(grouped.groups[1].properties, (std::vector<ModelProperty>{number("window", 5), number("rope", 1)}));
  EXPECT_EQ(grouped.groups[2].layers, (std::vector<int>{1}));
  EXPECT_EQ(grouped.groups[2].properties, (std::vector<ModelProperty>{number("window", 0), number("rope", 0)}));
}

TEST(LayerGroups, ValuesOfOtherTypesAreOtherValues) {
  const GroupedSpecification grouped =
      group_layers({{"layers.0.a", true}, {"layers.1.a", std::uint64_t{1}}, {"layers.2.a", 1.0}});
  EXPECT_EQ(grouped.groups.size(), 3U);
}

TEST(LayerGroups, WhatOnlyLooksLikeALayersIsTheModels) {
  const std::vector<ModelProperty> properties = {number("layers", 1), number("layers.", 2), number("layers.3", 3),
                                                 number("layers.x.y", 4), number("layered.0.a", 5)};
  const GroupedSpecification grouped = group_layers(properties);
  EXPECT_EQ(grouped.model, properties);
  EXPECT_TRUE(grouped.groups.empty());
  EXPECT_TRUE(group_layers({}).model.empty());
}

TEST(LayerRanges, AreShort) {
  EXPECT_EQ(layer_ranges({0}), "layer 0");
  EXPECT_EQ(layer_ranges({0, 1}), "layers 0-1");
  EXPECT_EQ(layer_ranges({0, 2}), "layers 0, 2");
  EXPECT_EQ(layer_ranges({0, 1, 2, 3, 4, 6, 7, 8, 12}), "layers 0-4, 6-8, 12");
}

}  // namespace
}  // namespace pith::tools
