#include <algorithm>
#include <array>
#include <vector>

#include "policy/allocator/layers.h"
#include "policy/allocators.h"
#include "policy/apportion.h"
#include "policy/parameters.h"

namespace pith::policy {
namespace {

constexpr std::array kSpecs = {ParameterSpec{"beta", 20, 1, 1e6}};

/// PyramidKV (Cai et al., arXiv 2406.02069, "KV cache size allocation"): low layers, whose attention is spread out,
/// keep more. With m layers without a window and an average of a tokens per head, a head of the l-th of them (from 0)
/// keeps
///   last = a / beta,  first = 2 a - last,  first - (first - last) / (m - 1) * l
/// As in its official code, `first` is at most what a head has, and `last` is raised to compensate.
class Pyramid final : public BudgetAllocator {
 public:
  explicit Pyramid(const Parameters& parameters) : beta_(parameters.real("beta")) {}

  void allocate(std::span<const HeadScores> heads, std::size_t total, std::span<std::size_t> budgets) const override {
    if (heads.empty()) return;
    const std::vector<LayerHeads> layers = layers_of(heads);
    const std::vector<std::size_t> candidates = candidates_of(heads);
    std::vector<std::size_t> capacities;
    capacities.reserve(layers.size());
    for (const LayerHeads& layer : layers) capacities.push_back(layer.candidates);
    std::vector<std::size_t> shares(layers.size());
    apportion(weights_of(layers, total), capacities, total, shares);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      const LayerHeads& layer = layers[l];
      apportion(std::vector<double>(layer.heads(), 1.0), std::span(candidates).subspan(layer.begin, layer.heads()),
                shares[l], budgets.subspan(layer.begin, layer.heads()));
    }
  }

 private:
  std::vector<double> weights_of(std::span<const LayerHeads> layers, std::size_t total) const {
    const auto heads = static_cast<double>(layers.back().end);
    double held = 0.0;
    for (const LayerHeads& layer : layers) held += static_cast<double>(layer.candidates);
    const double mean = static_cast<double>(total) / heads;
    const double first = std::min(2 * mean - mean / beta_, held / heads);
    const double last = std::max(0.0, 2 * mean - first);
    const double step = layers.size() > 1 ? (first - last) / static_cast<double>(layers.size() - 1) : 0.0;
    std::vector<double> weights;
    weights.reserve(layers.size());
    for (std::size_t l = 0; l < layers.size(); ++l) {
      weights.push_back((first - step * static_cast<double>(l)) * static_cast<double>(layers[l].heads()));
    }
    return weights;
  }

  double beta_;
};

}  // namespace

AllocatorPtr make_pyramid(const PolicyParameters& parameters) {
  return std::make_unique<Pyramid>(Parameters("allocator \"pyramid\"", kSpecs, parameters));
}

}  // namespace pith::policy
