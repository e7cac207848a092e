#pragma once

#include <cstddef>
#include <vector>

#include "gguf/file.h"

namespace pith::test {

/// How positions rotate queries and keys.
struct ReferenceRope {
  /// Whether elements 2i and 2i + 1 form a pair; otherwise elements i and i + pairs.
  bool interleaved = false;
  /// By pair, in radians per position. Elements beyond the last pair pass through.
  std::vector<double> frequencies;
  /// What YaRN multiplies rotated elements by.
  double magnitude = 1.0;
};

enum class ReferenceActivation { kSilu, kGelu };

/// What a file's metadata says of the computation. Optional parts (biases, head norms, post norms, an output matrix)
/// are used where the file has their tensors.
struct ReferenceSpec {
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  /// LayerNorm in place of RMS norm.
  bool layer_norm = false;
  /// Whether both blocks of a layer read the same x.
  bool parallel = false;
  double logit_scale = 1.0;
  double norm_eps = 0.0;
  double embedding_scale = 1.0;
  double attention_scale = 1.0;
  /// 0: no cap.
  double attention_softcap = 0.0;
  double logit_softcap = 0.0;
  ReferenceActivation activation = ReferenceActivation::kSilu;
  /// By layer: the number of tokens that a query sees, its own included; 0: all.
  std::vector<std::size_t> windows;
  ReferenceRope rope;
  /// RoPE of layers with a window.
  ReferenceRope local_rope;
};

/// Throws std::invalid_argument for an architecture or a RoPE scaling that the oracle does not know.
ReferenceSpec read_reference_spec(const gguf::File& file);

}  // namespace pith::test
