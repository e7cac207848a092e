#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "model/norm.h"
#include "model/pass.h"

namespace pith::model {

/// What a block leaves to be added to the residual stream: scale * post_norm(rows + bias), and a norm of the sum.
struct Addition {
  Buffer<float>* rows;  ///< [rows, hidden_size]; biased and normed in place.
  const Vector* bias;   ///< Null or empty: none.
  Norm post_norm;       ///< Not present: none.
  float scale = 0.0F;   ///< 0: 1.
  Norm sum_norm = no_norm();
};

/// What is to be done to the residual stream before it is read. All work between two products runs in one parallel
/// region, in blocks of rows that stay in the processor's cache from their sum to their codes. So a block does not add
/// its own output to the stream: whoever reads the stream next does, and this value tells it what to add.
struct Pending {
  bool embeddings = false;  ///< The stream begins: with the embeddings of the pass's tokens.
  std::optional<Addition> attention{};
  std::optional<Addition> feed_forward{};
  std::optional<float> scale{};  ///< What the sum is multiplied by.
};

/// The hidden states of a batch between the blocks: Buffers::residual, [rows, hidden_size].
class ResidualStream {
 public:
  explicit ResidualStream(const Pass& pass) : pass_(pass), buffers_(pass.workspace.buffers) {}

  /// Does what is pending.
  void add(const Pending& pending) const;
  /// Does what is pending and returns norm(stream) in the forms that `readers` need. Valid until the next call.
  kernels::Activations normed(const Norm& norm, const Pending& pending, weights::FormatSet readers) const;
  /// The same for some rows of a stream to which everything has been added.
  kernels::Activations normed(const Norm& norm, std::span<const std::size_t> rows, weights::FormatSet readers) const;
  /// Returns the rows that normed() returned last once more, for other readers.
  kernels::Activations normed_again(weights::FormatSet readers) const;

 private:
  float* row(std::size_t m) const { return &buffers_.residual[m * buffers_.hidden_stride]; }
  void add(const Pending& pending, std::size_t m) const;
  void begin(std::size_t m) const;
  void add_position(std::size_t m) const;
  void add(const Addition& addition, std::size_t m) const;

  const Pass& pass_;
  Buffers& buffers_;
};

}  // namespace pith::model
