#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/core/hadamard.h"

namespace pith::kv {

/// The basis in which one KV head's keys are sealed: each channel is scaled, then the vector is rotated. Queries get
/// the inverse scales, so scores do not change. A quantizer in this basis has the same error in every channel; the
/// error of scores is least if channel i is scaled by (query energy / key variance)^(1/4), which enlarges channels that
/// queries weigh heavily and shrinks those that vary much. Both are measured while the first page fills, without
/// calibration; since that page is complete before anything is sealed, the basis does not depend on how a prompt is
/// split into batches.
class KeyBasis {
 public:
  KeyBasis() = default;
  explicit KeyBasis(std::size_t size);

  std::size_t bytes() const { return (scale_.size() + query_energy_.size()) * sizeof(float); }

  /// Takes in a query [size] of the first page.
  void observe(const float* query);
  /// Computes the scales from rows [kPageTokens, size] of the first page, without the rows before `first`. Returns the
  /// head's score noise: the variance of a score, in units of queries times keys, that a codec with an error as large
  /// as the key's variance would cause. Multiplied by a codec's relative error and the squared attention scale, it is
  /// the variance of what softmax sees.
  float fit(const float* rows, std::size_t first);

  /// Transforms a key [size]; not in place.
  void apply_to_key(const kernels::KernelTable& kernels, const HadamardRotation& rotation, const float* key,
                    float* out) const;
  void apply_to_query(const kernels::KernelTable& kernels, const HadamardRotation& rotation, const float* query,
                      float* out) const;
  /// Removes the scales from a key [size] whose rotation was already inverted. In place.
  void restore_key(float* key) const;

  /// Calls member(x) for each member, to save or restore a basis.
  static void visit(auto& basis, auto&& member) {
    member(basis.scale_);
    member(basis.query_energy_);
    member(basis.queries_);
  }

 private:
  /// Multiplies keys and divides queries. [size]
  std::vector<float> scale_;
  /// Sums of squares of queries. [size]
  std::vector<float> query_energy_;
  std::size_t queries_ = 0;
};

}  // namespace pith::kv
