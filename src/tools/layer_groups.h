#pragma once

#include <pith/model.h>

#include <string>
#include <vector>

namespace pith::tools {

/// Layers and the properties that they have in common and that no other layer has.
struct LayerGroup {
  std::vector<int> layers;                ///< Ascending.
  std::vector<ModelProperty> properties;  ///< Names without "layers.N.".
};

/// A model's specification, each layer property once for all layers that have it.
struct GroupedSpecification {
  std::vector<ModelProperty> model;  ///< What is not a layer's.
  std::vector<LayerGroup> groups;
};

/// Groups the properties "layers.N.*" by the layers that agree on name and value. Groups and properties stand in the
/// order in which the specification first has them.
GroupedSpecification group_layers(const std::vector<ModelProperty>& specification);

/// Returns "layers 0-4, 6-10" for ascending numbers, and "layer 5" for one.
std::string layer_ranges(const std::vector<int>& layers);

}  // namespace pith::tools
