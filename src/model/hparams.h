#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gguf/file.h"

namespace pith::model {

enum class RopePairs {
  kInterleaved,  ///< Elements 2i and 2i + 1 rotate together (llama files are stored so).
  kHalfSplit,    ///< Elements i and i + dims / 2.
};

enum class RopeScaling { kNone, kLinear, kYarn };

/// Rotary position embedding (Su et al., 2104.09864) and its scaling.
struct RopeParams {
  std::size_t dims = 0;  ///< Rotated elements of a head, even; the rest passes through.
  RopePairs pairs = RopePairs::kInterleaved;
  double base = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  // YaRN (Peng et al., 2309.00071).
  double original_context = 0;
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  double attention_factor = 1.0;
};

enum class Activation { kSilu, kGelu };

/// All that the forward pass needs to know of a model. An architecture (arch/) fills it from the file's metadata.
struct Hparams {
  std::string architecture;
  std::size_t layers = 0;
  std::size_t embedding = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t key_size = 0;
  std::size_t value_size = 0;
  std::size_t feed_forward = 0;
  std::size_t vocab = 0;
  std::size_t context_trained = 0;
  float norm_eps = 1e-5F;
  float attention_scale = 1.0F;
  float embedding_scale = 1.0F;
  /// Logits become cap * tanh(logit / cap); 0: unchanged.
  float logit_softcap = 0.0F;
  Activation activation = Activation::kSilu;
  bool query_key_norm = false;
  bool post_norms = false;
  bool attention_bias_required = false;
  RopeParams rope;
  /// RoPE of sliding-window layers.
  RopeParams local_rope;
  std::size_t sliding_window = 0;
  /// By layer: the number of tokens that a query sees; 0: all.
  std::vector<std::size_t> windows;
};

/// Reads what all architectures share and lets the file's architecture adapt it. Throws Error: kUnsupported for an
/// architecture that is not in arch/table.cpp, kFormat for keys that are missing or out of range, naming file, key,
/// value and limit.
Hparams read_hparams(const gguf::File& file);

}  // namespace pith::model
