#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "gguf/file.h"
#include "manifest/tensor_bytes.h"
#include "model/bind.h"
#include "model/spec.h"
#include "model/weights.h"
#include "weights/packed_matrix.h"

namespace pith::model {

/// Takes tensors out of a file and checks each against the shape that the model needs. A first pass reads the list
/// only, so that a missing tensor is found before any is packed. Throws Error as bind_weights() does.
class Binder {
 public:
  enum class Pass { kCheck, kPack };

  Binder(const gguf::File& file, Pass pass, const BindOptions& options, ThreadPool& pool);

  weights::PackedMatrix matrix(const std::string& name, std::size_t rows, std::size_t columns);
  /// Returns a tensor's rows as one matrix for each of `counts`, which add up to its rows.
  std::vector<weights::PackedMatrix> slices(const std::string& name, const std::vector<std::size_t>& counts,
                                            std::size_t columns);
  /// Returns a tensor [experts, rows, columns] as one matrix for each expert, or as `parts` of them, one after another.
  std::vector<weights::PackedMatrix> experts(const std::string& name, std::size_t count, std::size_t rows,
                                             std::size_t columns, std::size_t parts = 1);
  Vector vector(const std::string& name, std::size_t length);
  Vector vector_if(bool wanted, const std::string& name, std::size_t length);
  /// Returns a matrix of few rows as one vector, row by row.
  Vector rows_as_vector(const std::string& name, std::size_t rows, std::size_t columns);
  /// Returns a matrix of values that were taken out of a tensor and arranged anew. They are kept as float16 where the
  /// tensor has no more precision than that.
  weights::PackedMatrix repacked(const std::string& name, const Vector& values, std::size_t rows, std::size_t columns);
  /// A norm of `count` heads, each with `length` weights.
  NormWeights norm(const NormSpec& spec, const std::string& name, std::size_t length, std::size_t count = 1);

  /// Passes over a tensor that a file may have though nothing reads it.
  void ignore(const std::string& name);
  /// Refuses tensors that no part of the model asked for, since a variant that has them computes something else.
  void check_all_used(const ModelSpec& spec) const;

 private:
  /// The shape that a tensor must have: [rows, columns], or [experts, rows, columns].
  struct Shape {
    std::size_t rows;
    std::size_t columns;
    std::optional<std::size_t> experts{};

    bool fits(const gguf::TensorInfo& tensor) const;
  };

  const gguf::TensorInfo& find(const std::string& name, const Shape& shape);
  std::vector<weights::PackedMatrix> pack(const gguf::TensorInfo& tensor, const std::vector<std::size_t>& counts);
  void check_row(const gguf::TensorInfo& tensor, std::size_t row, std::span<const std::byte> bytes) const;
  void report(const gguf::TensorInfo& tensor);

  const gguf::File& file_;
  manifest::TensorBytes bytes_;
  Pass pass_;
  const BindOptions& options_;
  ThreadPool& pool_;
  std::set<const gguf::TensorInfo*> used_;
  std::size_t bytes_total_ = 0;
  std::size_t bytes_done_ = 0;
};

}  // namespace pith::model
