#include "model/specification.h"

#include <gtest/gtest.h>
#include <pith/pith.h>

#include <algorithm>
#include <string>
#include <vector>

#include "model/model_impl.h"
#include "support/tiny_shapes.h"

namespace pith::model {
namespace {

PropertyValue find(const std::vector<ModelProperty>& properties, const std::string& name) {
  const auto found = std::find_if(properties.begin(), properties.end(), [&](const auto& p) { return p.name == name; });
  EXPECT_NE(found, properties.end()) << name;
  return found == properties.end() ? PropertyValue() : found->value;
}

TEST(Specification, HasEveryLeafOfTheSpecInOrder) {
  for (const test::TinyShape& shape : test::tiny_shapes()) {
    const test::TempDir folder;
    const Model model = Model::load(test::write_tiny_model(shape.spec, folder));
    std::vector<std::string> leaves;
    for_each_leaf(model.impl()->spec(), [&](const std::string& path, const auto&) { leaves.push_back(path); });
    std::vector<std::string> names;
    for (const ModelProperty& property : model.specification()) names.push_back(property.name);
    EXPECT_EQ(names, leaves) << shape.name;
    EXPECT_EQ(find(model.specification(), "architecture"), PropertyValue(shape.spec.architecture));
  }
}

TEST(Specification, ValuesKeepTheirKinds) {
  ModelSpec spec;
  spec.architecture = "made up";
  spec.hidden_size = 64;
  spec.logit_scale = 0.1F;
  spec.tied_output = true;
  spec.ropes.resize(1);
  spec.ropes[0].base = 5e5;
  const std::vector<ModelProperty> properties = specification(spec);
  EXPECT_EQ(find(properties, "architecture"), PropertyValue(std::string("made up")));
  EXPECT_EQ(find(properties, "hidden_size"), PropertyValue(std::uint64_t{64}));
  EXPECT_EQ(find(properties, "logit_scale"), PropertyValue(0.1)) << "as written, not as the float is";
  EXPECT_EQ(find(properties, "tied_output"), PropertyValue(true));
  EXPECT_EQ(find(properties, "ropes.0.base"), PropertyValue(5e5));
}

TEST(Specification, EveryChoiceHasAName) {
  const auto name = [](const ModelSpec& spec, const char* property) {
    return std::get<std::string>(find(specification(spec), property));
  };
  ModelSpec spec;
  spec.ropes.resize(1);
  spec.layers.resize(1);
  const auto expect = [&](auto& choice, std::vector<std::string> names, const char* property) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      choice = static_cast<std::remove_reference_t<decltype(choice)>>(i);
      EXPECT_EQ(name(spec, property), names[i]);
    }
  };
  expect(spec.ropes[0].pairs, {"interleaved", "half-split"}, "ropes.0.pairs");
  expect(spec.ropes[0].scaling, {"none", "linear", "yarn"}, "ropes.0.scaling");
  expect(spec.output_norm.kind, {"none", "rms", "layer"}, "output_norm.kind");
  expect(spec.layers[0].residual, {"serial", "parallel"}, "layers.0.residual");
  expect(spec.layers[0].feed_forward.activation, {"silu", "gelu"}, "layers.0.feed_forward.activation");
}

}  // namespace
}  // namespace pith::model
