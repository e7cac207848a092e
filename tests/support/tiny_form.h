#pragma once

#include <cstddef>
#include <string_view>

#include "support/gguf_writer.h"

namespace pith::test {

struct TinyModelSpec;

/// Where a layer has norms.
enum class TinyNorms {
  kBefore,
  kBeforeAndAfter,
  kAfter,
  kOne,            ///< One before both blocks.
  kPostAttention,  ///< Before both, that of feed-forward called post_attention_norm.
  kPlain,          ///< Before both, without weights.
  kSums,           ///< Of the sums after both, and of the embeddings.
};

/// What queries and keys are normalized over.
enum class TinyQkNorm { kNone, kHead, kHeads, kWhole };

/// Which layers are recurrent, and how.
enum class TinyRecurrent {
  kNone,
  kConvolution,  ///< Short convolutions in all layers for which there are no KV heads.
  kStateSpace,   ///< State spaces likewise.
  kAlone,        ///< State spaces in all layers, and nothing else.
  kBlocks,       ///< State space, feed-forward and attention in turn, one of them in each layer.
  kDelta,        ///< Delta rule in all layers but every second one.
  kDeltaFused,   ///< The same with both rates in one tensor.
};

/// Whether heads share a latent: the matrices of keys and values as two tensors, or as one.
enum class TinyLatent { kNone, kSplit, kFused };

/// Which tensors the files of an architecture have, and which keys it alone has.
struct TinyForm {
  std::string_view architecture;
  TinyNorms norms = TinyNorms::kBefore;
  TinyQkNorm qk_norm = TinyQkNorm::kNone;
  bool layer_norm = false;
  bool norm_bias = false;
  bool qkv_bias = false;
  bool other_biases = false;  ///< Of the other matrices, or of the experts.
  bool fused_qkv = false;
  bool fused_gate_up = false;
  bool gated = true;
  std::size_t experts = 0;
  bool shared_expert = false;
  bool shared_gate = false;
  bool selection_bias = false;
  bool sinks = false;
  bool learned_positions = false;
  bool output_bias = false;
  bool query_gate = false;
  TinyRecurrent recurrent = TinyRecurrent::kNone;
  TinyLatent latent = TinyLatent::kNone;
  std::string_view output_norm = "output_norm";
  /// Whether the embedding is multiplied by the square root of its width.
  bool scales_embedding = false;
  void (*keys)(GgufWriter& writer, const TinyModelSpec& spec) = nullptr;
};

/// Returns the form of an architecture; one that is not listed has the tensors of llama.
const TinyForm& tiny_form(std::string_view architecture);

}  // namespace pith::test
