#pragma once

#include <pith/model_options.h>

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "gguf/file.h"
#include "weights/packed_matrix.h"

namespace pith::model {

/// LoRA adapters in memory, and which of their tensors have found those that they are for.
class Adapters {
 public:
  /// Reads the files. Throws Error: kIo, kFormat if one is damaged or its tensors are no pairs, kUnsupported for
  /// another kind of adapter, kInvalidArgument for one of another architecture or a scale that is not finite.
  Adapters(std::span<const AdapterOptions> options, std::string_view architecture);

  /// Marks what there is for a tensor as used. Throws Error(kInvalidArgument) if it does not fit the tensor.
  void check(const gguf::TensorInfo& tensor);
  /// Returns what is to be added to rows [first, first + rows) of a tensor, which belong to one matrix.
  std::vector<weights::LowRank> of(const gguf::TensorInfo& tensor, std::size_t first, std::size_t rows,
                                   ThreadPool& pool) const;
  /// The same as outlines.
  std::vector<weights::LowRank> outlines_of(const gguf::TensorInfo& tensor, std::size_t rows) const;
  /// Adds it to the tensor's values, row by row.
  void add_to(const gguf::TensorInfo& tensor, std::span<float> values) const;
  /// Throws Error(kInvalidArgument) naming the first tensor that no part of the model has asked for.
  void check_all_used() const;

 private:
  /// Two matrices [count, rank, columns] and [count, rows, rank] for the `count` matrices of a tensor.
  struct Pair {
    std::string path;  ///< Of the adapter.
    std::size_t count = 1, rank = 0, rows = 0, columns = 0;
    std::vector<float> a, b;  ///< b with the adapter's scale.
    bool used = false;
  };

  void read(const AdapterOptions& options, std::string_view architecture);
  /// Returns the pair for the tensor `of`, without the adapter's scale.
  static Pair read_pair(const gguf::File& file, std::string_view of, const gguf::TensorInfo& a,
                        const gguf::TensorInfo& b);
  std::span<const Pair> pairs_of(const gguf::TensorInfo& tensor) const;

  /// By the tensor's name, in the order of the adapters.
  std::map<std::string, std::vector<Pair>, std::less<>> pairs_;
};

}  // namespace pith::model
