#include "tools/layer_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace pith::tools {
namespace {

constexpr std::string_view kPrefix = "layers.";

struct LayerProperty {
  int layer;
  ModelProperty property;
};

/// Takes "layers.3.attention.window" apart; nothing if the property is not a layer's.
std::optional<LayerProperty> layer_property(const ModelProperty& property) {
  const std::string_view name = property.name;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int layer = 0;
  const char* const end = name.data() + name.size();
  const char* const rest = std::from_chars(name.data() + kPrefix.size(), end, layer).ptr;
  if (rest == end || *rest != '.') return std::nullopt;
  return LayerProperty{layer, {std::string(rest + 1, end), property.value}};
}

/// One property and the layers that have it.
struct Shared {
  ModelProperty property;
  std::vector<int> layers;
};

void add(std::vector<Shared>& all, LayerProperty one) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Shared& shared) { return shared.property == one.property; });
  if (found != all.end()) return found->layers.push_back(one.layer);
  all.push_back({std::move(one.property), {one.layer}});
}

}  // namespace

GroupedSpecification group_layers(const std::vector<ModelProperty>& specification) {
  GroupedSpecification grouped;
  std::vector<Shared> all;
  for (const ModelProperty& property : specification) {
    if (auto one = layer_property(property)) {
      add(all, std::move(*one));
    } else {
      grouped.model.push_back(property);
    }
  }
  for (Shared& shared : all) {
    auto group = std::find_if(grouped.groups.begin(), grouped.groups.end(),
                              [&](const LayerGroup& other) { return other.layers == shared.layers; });
    if (group == grouped.groups.end()) group = grouped.groups.insert(group, LayerGroup{std::move(shared.layers), {}});
    group->properties.push_back(std::move(shared.property));
  }
  return grouped;
}

std::string layer_ranges(const std::vector<int>& layers) {
  std::string text = layers.size() == 1 ? "layer " : "layers ";
  for (std::size_t first = 0; first < layers.size();) {
    std::size_t last = first;
    while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
    if (first > 0) text += ", ";
    text += std::to_string(layers[first]);
    if (last > first) text += fmt::format("-{}", layers[last]);
    first = last + 1;
  }
  return text;
}

}  // namespace pith::tools
