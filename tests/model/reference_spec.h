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

/// kClamped: of gate g and up u, min(g, 7) sigmoid(1.702 min(g, 7)) (clamp(u, -7, 7) + 1).
enum class ReferenceActivation { kSilu, kGelu, kClamped, kSquaredRelu };

/// Which experts' logits a softmax is taken of: all, or those of the chosen ones; or the sigmoid of each.
enum class ReferenceGating { kAll, kChosen, kSigmoid };

/// What a file's metadata says of the computation. Optional parts (biases, head norms, post norms, an output matrix)
/// are used where the file has their tensors.
struct ReferenceSpec {
  std::size_t layers = 0;
  std::size_t heads = 0;
  // By layer.
  std::vector<std::size_t> kv_heads, key_sizes, value_sizes;
  /// By layer: the one whose keys and values it reads.
  std::vector<std::size_t> sources;
  /// What elements of queries, keys and values are cut off at; 0: nothing.
  double clamp = 0.0;
  /// Whether norms have no weights.
  bool plain_norms = false;
  /// Whether values are divided by their root mean square.
  bool norms_values = false;
  /// The size of each layer's own embeddings; 0: there are none.
  std::size_t layer_embedding = 0;
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
  double residual_scale = 1.0;
  /// Queries at position p are multiplied by 1 + temperature ln(1 + floor(p / temperature_floor)).
  double temperature = 0.0;
  double temperature_floor = 1.0;
  std::size_t experts_used = 0;
  ReferenceGating gating = ReferenceGating::kAll;
  bool normalized_shares = false;
  /// Groups of neighbouring experts, and how many of them are chosen from; up to 1: all.
  std::size_t expert_groups = 0;
  std::size_t expert_groups_used = 0;
  double share_scale = 1.0;
  /// By layer: whether keys and queries are rotated at all.
  std::vector<bool> rotated;
  /// Whether the norm before feed-forward is called post_attention_norm.
  bool feed_forward_norm_is_post_attention = false;
  /// By layer: the number of tokens that a query sees, its own included; 0: all.
  std::vector<std::size_t> windows;
  /// Whether attn_q holds a gate beside each head's query.
  bool query_gates = false;
  // Of recurrent layers: value heads, key heads, and the elements of one.
  std::size_t state_heads = 0;
  std::size_t state_key_heads = 0;
  std::size_t state_values = 0;
  std::size_t state_keys = 0;
  /// Whether value head h reads key head h % state_key_heads; otherwise neighbours share one.
  bool cyclic_key_heads = false;
  ReferenceRope rope;
  /// RoPE of layers with a window.
  ReferenceRope local_rope;
};

/// Throws std::invalid_argument for an architecture or a RoPE scaling that the oracle does not know.
ReferenceSpec read_reference_spec(const gguf::File& file);

}  // namespace pith::test
