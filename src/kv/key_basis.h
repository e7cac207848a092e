#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kv/hadamard.h"

namespace pith::kv {

/// The basis in which one KV head's keys are sealed: each channel scaled, then a rotation; queries get the inverse
/// scales, so that scores stay what they are. A quantizer behind it errs by the same amount everywhere; the error of
/// scores is least if channel i is scaled by (query energy / key variance)^(1/4), which makes what matters large and
/// what varies small. Both are observed while the first page fills: nothing is calibrated, and as the page is complete
/// before anything is sealed, the basis does not depend on how a prompt is cut into batches.
class KeyBasis {
 public:
  explicit KeyBasis(std::size_t size);

  /// A query [size] of the first page.
  void observe(const float* query);
  /// Rows [kPageTokens, size] of the first page; rows before `first` are left out. Returns the head's score noise: the
  /// variance of a score, in units of queries times keys, when a codec that errs by all of a key's variance stores it.
  /// Times a codec's relative error and the squared attention scale it is the variance of what softmax sees.
  float fit(const float* rows, std::size_t first);

  /// Out of place, [size].
  void apply_to_key(const kernels::KernelTable& kernels, const HadamardRotation& rotation, const float* key,
                    float* out) const;
  void apply_to_query(const kernels::KernelTable& kernels, const HadamardRotation& rotation, const float* query,
                      float* out) const;
  /// A key that was taken out of the rotation again: what it was before the basis. In place, [size].
  void restore_key(float* key) const;

  /// All that a basis is, member by member, for who saves or restores one.
  static void visit(auto& basis, auto&& member) {
    member(basis.scale_);
    member(basis.query_energy_);
    member(basis.queries_);
  }

 private:
  /// Of keys; queries are divided by it. [size]
  std::vector<float> scale_;
  /// Sums of squares. [size]
  std::vector<float> query_energy_;
  std::size_t queries_ = 0;
};

}  // namespace pith::kv
