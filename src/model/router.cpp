#include "model/router.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace pith::model {
namespace {

/// The least sum of shares that they are divided by.
constexpr double kSumMin = 6.103515625e-5;

/// Replaces x by its softmax. Sums run in order and in double, so that every machine gets the same bits.
void softmax(std::span<float> x) {
  const float most = *std::max_element(x.begin(), x.end());
  double sum = 0.0;
  for (const float value : x) sum += std::exp(static_cast<double>(value - most));
  for (float& value : x) value = static_cast<float>(std::exp(static_cast<double>(value - most)) / sum);
}

void sigmoid(std::span<float> x) {
  for (float& value : x) value = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(value))));
}

void normalize(std::span<float> shares) {
  double sum = 0.0;
  for (const float share : shares) sum += static_cast<double>(share);
  sum = std::max(kSumMin, sum);
  for (float& share : shares) share = static_cast<float>(static_cast<double>(share) / sum);
}

/// Returns for each group of experts whether it is among those that experts are chosen from.
template <typename Rank>
std::vector<bool> open_groups(const ExpertsSpec& spec, const Rank& rank) {
  const std::size_t size = spec.count / spec.groups;
  std::vector<float> score(spec.groups);
  for (std::size_t g = 0; g < spec.groups; ++g) {
    std::array<float, 2> best = {-std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()};
    for (std::size_t i = g * size; i < (g + 1) * size; ++i) {
      const float value = rank(static_cast<std::uint32_t>(i));
      best = value > best[0] ? std::array{value, best[0]} : std::array{best[0], std::max(best[1], value)};
    }
    score[g] = best[0] + best[1];
  }
  std::vector<std::size_t> order(spec.groups);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
  std::vector<bool> open(spec.groups, false);
  for (std::size_t i = 0; i < spec.groups_used; ++i) open[order[i]] = true;
  return open;
}

}  // namespace

void choose_experts(const ExpertsSpec& spec, const ExpertsWeights& weights, std::span<float> logits,
                    const ExpertChoice& to) {
  if (spec.router_bias) {
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] += weights.router_bias[i];
  }
  if (spec.gating == ExpertGating::kSoftmax) softmax(logits);
  if (spec.gating == ExpertGating::kSigmoid) sigmoid(logits);
  // NaN has no order, and sorting needs one.
  const auto rank = [&](std::uint32_t expert) {
    const float value = logits[expert] + (spec.selection_bias ? weights.selection_bias[expert] : 0.0F);
    return std::isnan(value) ? -std::numeric_limits<float>::infinity() : value;
  };
  std::vector<std::uint32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0U);
  if (spec.groups != 0) {
    const std::vector<bool> open = open_groups(spec, rank);
    std::erase_if(order, [&](std::uint32_t expert) { return !open[expert / (spec.count / spec.groups)]; });
  }
  const auto end_of_chosen = order.begin() + static_cast<std::ptrdiff_t>(spec.used);
  std::partial_sort(order.begin(), end_of_chosen, order.end(),
                    [&](std::uint32_t a, std::uint32_t b) { return rank(a) != rank(b) ? rank(a) > rank(b) : a < b; });
  std::sort(order.begin(), end_of_chosen);
  for (std::size_t i = 0; i < spec.used; ++i) {
    to.experts[i] = order[i];
    to.shares[i] = logits[order[i]];
  }
  if (spec.gating == ExpertGating::kSoftmaxOfChosen) softmax(to.shares);
  if (spec.normalized) normalize(to.shares);
  if (spec.scale != 0.0F) {
    for (float& share : to.shares) share *= spec.scale;
  }
  if (spec.output_scales) {
    for (std::size_t i = 0; i < spec.used; ++i) to.shares[i] *= weights.output_scales[to.experts[i]];
  }
}

}  // namespace pith::model
