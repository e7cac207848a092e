#pragma once

#include <cstddef>
#include <vector>

#include "model/pass.h"

namespace pith::model {

/// A mixture of experts (ExpertsSpec). The rows of a pass are gathered by expert before they are quantized, and each
/// token's outputs are added up in the order of its experts' numbers, so a token's result does not depend on the rest
/// of the batch.
class ExpertsBlock {
 public:
  ExpertsBlock(const Pass& pass, const FeedForwardSpec& spec, const ExpertsWeights& weights);

  /// Returns which forms of x run() reads: the router's and the shared expert's. Experts make their own from its
  /// floats.
  weights::FormatSet readers() const;
  /// x [rows, hidden_size]. Writes the sum of all experts to out.
  void run(const kernels::Activations& x, Buffer<float>& out) const;

 private:
  /// An expert's rows in the buffers of experts.
  struct Group {
    std::size_t expert;
    weights::RowGroup rows;
  };

  /// Returns whether router and experts read the residual stream through norms of their own.
  bool apart() const { return spec_.experts.router_norm.present(); }
  /// Makes what the router reads where it is not x. What x holds is gone then.
  kernels::Activations router_input() const;
  void route(const kernels::Activations& x) const;
  /// Writes what the experts read of token m.
  void gather(const kernels::Activations& x, std::size_t m, float* row) const;
  /// Writes the shared expert's output, or zeros.
  void begin(const kernels::Activations& x, Buffer<float>& out) const;
  /// Returns the tokens of each expert: [experts][..].
  std::vector<std::vector<std::uint32_t>> tokens_by_expert() const;
  /// Adds what the experts gave apart to what the shared expert gave, each with its norm.
  void join(Buffer<float>& out) const;
  /// Runs some experts, and adds what they give to out.
  void run_groups(const kernels::Activations& x, const std::vector<std::vector<std::uint32_t>>& tokens,
                  const std::vector<Group>& groups, Buffer<float>& out) const;
  void add_up(const std::vector<Group>& groups, Buffer<float>& out) const;

  const Pass& pass_;
  const FeedForwardSpec& spec_;
  const ExpertsWeights& w_;
  ExpertBuffers& b_;
};

}  // namespace pith::model
