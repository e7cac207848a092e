#include "model/weights.h"

#include <string>

namespace pith::model {
namespace {

std::size_t bytes_of(const weights::PackedMatrix& matrix) { return matrix.bytes(); }
std::size_t bytes_of(const Vector& vector) { return vector.size() * sizeof(float); }

std::size_t matrix_elements(const weights::PackedMatrix& matrix) { return matrix.rows() * matrix.columns(); }
std::size_t matrix_elements(const Vector&) { return 0; }

}  // namespace

std::size_t ModelWeights::bytes() const {
  std::size_t total = 0;
  for_each_leaf(*this, [&](const std::string&, const auto& weights) { total += bytes_of(weights); });
  return total;
}

std::size_t ModelWeights::layer_parameters() const {
  std::size_t total = 0;
  for (const LayerWeights& layer : layers)
    for_each_leaf(layer, [&](const std::string&, const auto& weights) { total += matrix_elements(weights); });
  return total;
}

}  // namespace pith::model
