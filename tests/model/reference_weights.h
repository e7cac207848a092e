#pragma once

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "weights/dequantize.h"

namespace pith::test {

using Numbers = std::vector<double>;

/// A file's weights, expanded anew at every use.
class Weights {
 public:
  explicit Weights(const gguf::File& file) : file_(file) {}

  bool has(const std::string& name) const { return file_.find(name) != nullptr; }

  /// Returns a row of a matrix, or a vector.
  Numbers row(const std::string& name, std::size_t index = 0) {
    std::vector<float> values;
    expand(find(name), index, values);
    return {values.begin(), values.end()};
  }

  /// Returns W x, plus the bias of the same name if there is one.
  Numbers linear(const std::string& name, const Numbers& x) {
    return product(name, x, 0, find(name + ".weight").rows());
  }

  /// The same for the matrix of one expert of those that a tensor [experts, rows, columns] holds.
  Numbers expert(const std::string& name, const Numbers& x, std::size_t index) {
    const gguf::TensorInfo& all = find(name + ".weight");
    return product(name, x, index, all.dims.at(1));
  }

  std::size_t rows(const std::string& name) { return find(name).rows(); }
  std::size_t columns(const std::string& name) { return find(name).columns(); }

  void check_all_used() const {
    for (const gguf::TensorInfo& tensor : file_.tensors()) {
      if (used_.contains(tensor.name) || tensor.name.starts_with("rope_")) continue;
      throw std::invalid_argument("the oracle does not know the tensor " + tensor.name);
    }
  }

 private:
  /// Returns W x plus the bias for rows [index * rows, (index + 1) * rows) of a tensor, and row `index` of its bias.
  Numbers product(const std::string& name, const Numbers& x, std::size_t index, std::size_t rows) {
    const gguf::TensorInfo& matrix = find(name + ".weight");
    Numbers y = has(name + ".bias") ? row(name + ".bias", index) : Numbers(rows);
    std::vector<float> weights;
    for (std::size_t r = 0; r < rows; ++r) {
      expand(matrix, index * rows + r, weights);
      for (std::size_t c = 0; c < x.size(); ++c) y.at(r) += static_cast<double>(weights.at(c)) * x[c];
    }
    return y;
  }

  const gguf::TensorInfo& find(const std::string& name) {
    used_.insert(name);
    return file_.require(name);
  }

  static void expand(const gguf::TensorInfo& tensor, std::size_t row, std::vector<float>& values) {
    const std::size_t bytes = tensor.data.size() / tensor.rows();
    values.resize(tensor.columns());
    weights::dequantize(tensor.type, tensor.data.subspan(row * bytes, bytes), values);
  }

  const gguf::File& file_;
  std::set<std::string> used_;
};

}  // namespace pith::test
