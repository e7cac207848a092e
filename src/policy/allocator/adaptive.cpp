#include <algorithm>
#include <array>
#include <functional>
#include <vector>

#include "policy/allocator/layers.h"
#include "policy/allocators.h"
#include "policy/apportion.h"
#include "policy/parameters.h"
#include "policy/scores.h"

namespace pith::policy {
namespace {

constexpr std::array kSpecs = {
    ParameterSpec{"alpha", 0.2, 0.0, 1.0},
    ParameterSpec{"across_layers", 0, 0, 1, Numbers::kWhole},
};

/// Counts how many of each head's scores are among the `best` largest of all heads. Scores equal to the least of these
/// count fractionally, so that no head is preferred for its index.
std::vector<double> among_best(std::span<const HeadScores> heads, std::size_t best) {
  std::vector<double> counts(heads.size(), 0.0);
  std::vector<float> all;
  for (const HeadScores& head : heads) {
    for (const float score : head.scores) all.push_back(finite_score(static_cast<double>(score)));
  }
  best = std::min(best, all.size());
  if (best == 0) return counts;
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(best - 1), all.end(), std::greater<>());
  const float least = all[best - 1];
  const auto above =
      static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](float s) { return s > least; }));
  const auto equal = std::count(all.begin(), all.end(), least);
  const double part = static_cast<double>(best - above) / static_cast<double>(equal);
  for (std::size_t i = 0; i < heads.size(); ++i) {
    for (const float given : heads[i].scores) {
      const float score = finite_score(static_cast<double>(given));
      counts[i] += score > least ? 1.0 : (score == least ? part : 0.0);
    }
  }
  return counts;
}

/// Ada-KV (Feng et al., arXiv 2407.11550, algorithms 1 and 2): the heads of a layer share its budget B by how many of
/// their scores are among the B best of the layer; a fraction `alpha` of B is shared evenly as a safeguard.
///   budget(h) = (1 - alpha) * scores of h among the B best + alpha * B / heads
/// All layers get the same budget per head. With across_layers, all layers are treated as one.
class Adaptive final : public BudgetAllocator {
 public:
  explicit Adaptive(const Parameters& parameters)
      : alpha_(parameters.real("alpha")), across_layers_(parameters.whole("across_layers") == 1) {}

  void allocate(std::span<const HeadScores> heads, std::size_t total, std::span<std::size_t> budgets) const override {
    if (across_layers_) {
      share(heads, total, budgets);
      return;
    }
    const std::vector<LayerHeads> layers = layers_of(heads);
    std::vector<double> weights;
    std::vector<std::size_t> capacities;
    for (const LayerHeads& layer : layers) {
      weights.push_back(static_cast<double>(layer.heads()));
      capacities.push_back(layer.candidates);
    }
    std::vector<std::size_t> totals(layers.size());
    apportion(weights, capacities, total, totals);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      share(heads.subspan(layers[l].begin, layers[l].heads()), totals[l],
            budgets.subspan(layers[l].begin, layers[l].heads()));
    }
  }

 private:
  void share(std::span<const HeadScores> heads, std::size_t total, std::span<std::size_t> budgets) const {
    std::vector<double> weights = among_best(heads, total);
    const double even = static_cast<double>(total) / static_cast<double>(heads.size());
    for (double& weight : weights) weight = (1.0 - alpha_) * weight + alpha_ * even;
    apportion(weights, candidates_of(heads), total, budgets);
  }

  double alpha_;
  bool across_layers_;
};

}  // namespace

AllocatorPtr make_adaptive(const PolicyParameters& parameters) {
  return std::make_unique<Adaptive>(Parameters("allocator \"adaptive\"", kSpecs, parameters));
}

}  // namespace pith::policy
