#include "model/weights.h"

#include <string>

namespace pith::model {
namespace {

std::size_t bytes_of(const weights::PackedMatrix& matrix) {
  std::size_t bytes = matrix.bytes();
  for (const weights::LowRank& more : matrix.added()) bytes += more.a.bytes() + more.b.bytes();
  return bytes;
}
std::size_t bytes_of(const Vector& vector) { return vector.size() * sizeof(float); }

std::size_t matrix_elements(const weights::PackedMatrix& matrix) { return matrix.rows() * matrix.columns(); }
std::size_t matrix_elements(const Vector&) { return 0; }

constexpr auto kBytes = [](const auto& weights) { return bytes_of(weights); };
constexpr auto kElements = [](const auto& weights) { return matrix_elements(weights); };

/// Returns the sum of a size over all weights.
template <typename Weights, typename Size>
std::size_t sum_of(const Weights& weights, const Size& size) {
  std::size_t total = 0;
  for_each_leaf(weights, [&](const std::string&, const auto& leaf) { total += size(leaf); });
  return total;
}

/// Returns the sum of a size over the weights of a layer that one token takes.
template <typename Size>
std::size_t taken(const LayerSpec& spec, const LayerWeights& layer, const Size& size) {
  const std::vector<ExpertWeights>& experts = layer.feed_forward.experts.each;
  if (experts.empty()) return sum_of(layer, size);
  return sum_of(layer, size) - sum_of(experts, size) + sum_of(experts.front(), size) * spec.feed_forward.experts.used;
}

}  // namespace

std::size_t ModelWeights::bytes() const { return sum_of(*this, kBytes); }

std::size_t ModelWeights::layer_parameters(const ModelSpec& spec) const {
  std::size_t total = 0;
  for (std::size_t i = 0; i < layers.size(); ++i) total += taken(spec.layers[i], layers[i], kElements);
  return total;
}

std::size_t ModelWeights::token_bytes(const ModelSpec& spec) const {
  std::size_t total = bytes() - positions.bytes() - layer_embeddings.bytes() - (output.empty() ? 0 : embedding.bytes());
  for (std::size_t i = 0; i < layers.size(); ++i) {
    total -= sum_of(layers[i], kBytes);
    total += taken(spec.layers[i], layers[i], kBytes);
  }
  return total;
}

}  // namespace pith::model
