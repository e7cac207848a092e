#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "support/gguf_writer.h"
#include "support/random_weights.h"
#include "support/tiny_model.h"

namespace pith::test {

/// Adds tensors of random weights to a file.
class TensorMaker {
 public:
  TensorMaker(GgufWriter& writer, const TinyModelSpec& spec) : writer_(writer), spec_(spec), random_(spec.seed) {}

  /// Scaled so that a product with a unit vector has about unit variance, times `gain`.
  void matrix(const std::string& name, std::size_t rows, std::size_t columns, float gain = 1.0F) {
    const float deviation = gain / std::sqrt(static_cast<float>(columns));
    writer_.add_tensor(name, spec_.weight_type, {columns, rows},
                       random_weights(random_, spec_.weight_type, rows, columns, deviation));
  }

  void vector(const std::string& name, std::size_t length, float mean = 1.0F) {
    constexpr float kDeviation = 0.1F;
    std::vector<float> values = random_normal(random_, length, kDeviation);
    for (float& value : values) value += mean;
    writer_.add_tensor(name, {length}, values);
  }

  void floats(const std::string& name, const std::vector<float>& values) {
    writer_.add_tensor(name, {values.size()}, values);
  }

  /// One matrix [rows, columns] for each expert.
  void experts(const std::string& name, std::size_t count, std::size_t rows, std::size_t columns) {
    matrix(name, count * rows, columns);
    writer_.tensors.back().dims = {columns, rows, count};
  }

  /// Rows of floats about `mean`.
  void rows(const std::string& name, std::size_t rows, std::size_t columns, float mean) {
    vector(name, rows * columns, mean);
    writer_.tensors.back().dims = {columns, rows};
  }

  /// Rows of floats.
  void matrix_around_one(const std::string& name, std::size_t rows, std::size_t columns) {
    vector(name, rows * columns);
    writer_.tensors.back().dims = {columns, rows};
  }

 private:
  GgufWriter& writer_;
  const TinyModelSpec& spec_;
  Random random_;
};

}  // namespace pith::test
