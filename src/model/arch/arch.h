#pragma once

#include <span>
#include <string_view>

#include "gguf/file.h"
#include "model/keys.h"
#include "model/spec.h"

namespace pith::model {

/// What an architecture does with experts where its file has them; the file goes first (keys expert_gating_func and
/// expert_weights_norm).
struct ExpertTraits {
  bool allowed = false;  ///< Otherwise a file with experts is refused.
  ExpertGating gating = ExpertGating::kSoftmax;
  bool normalized = true;
  bool shared = false;       ///< A shared expert is required; otherwise optional.
  bool shared_gate = false;  ///< And a gate for it.
  /// A network as that of layers without experts is the shared expert.
  bool shared_is_dense = false;
};

/// Which layers of an architecture are recurrent.
enum class RecurrentLayers {
  kNone,
  kAll,
  kWithoutKvHeads,  ///< Those for which the file states no KV heads.
  kByPeriod,        ///< All but every so-many-th.
};

/// Which layers have feed-forward blocks.
enum class FeedForwardLayers {
  kAll,
  kNone,
  kAlone,  ///< Those for which the file states its size, and these have nothing else.
};

/// What an architecture does with recurrent layers.
struct RecurrentTraits {
  RecurrentLayers layers = RecurrentLayers::kNone;
  Recurrence kind = Recurrence::kNone;
  KeyHeads reads = KeyHeads::kBlocks;
  FeedForwardLayers feed_forward = FeedForwardLayers::kAll;
};

/// What sets an architecture apart as far as constants say it; all layers are alike. What a file states (sizes, RoPE's
/// scaling, which optional biases there are) has been read before.
struct Traits {
  RopePairs pairs = RopePairs::kHalfSplit;
  NormKind norm = NormKind::kRms;
  bool plain_norms = false;  ///< Norms have no weights.
  bool query_key_norm = false;
  NormExtent query_key_norm_extent = NormExtent::kHead;
  bool pre_norms = true;    ///< Norms before both blocks.
  bool post_norms = false;  ///< Norms after both blocks as well.
  bool qkv_bias = false;    ///< The biases of query, key and value are required; otherwise optional.
  bool biases = false;      ///< The biases of norms and of all other matrices are required; otherwise optional.
  bool query_gate = false;  ///< attn_q holds a gate beside each query.
  bool fused_qkv = false;   ///< attn_qkv is required; otherwise it may stand in place of its three parts.
  Activation activation = Activation::kSilu;
  bool gated = true;
  bool fused_gate_up = false;  ///< ffn_up holds the gate as well.
  Residual residual = Residual::kSerial;
  bool both_ways = false;  ///< An encoder: tokens see later ones too.
  bool uneven = false;     ///< Layers may differ in their heads and in the size of feed-forward.
  ExpertTraits experts{};
  RecurrentTraits recurrent{};
};

/// One architecture: its name in general.architecture, its traits, and a function for what they do not cover, which
/// may read further keys and change the spec layer by layer. It throws Error as read_spec() does.
struct Architecture {
  std::string_view name;
  Traits traits;
  void (*adapt)(const gguf::File& file, const Keys& keys, ModelSpec& spec) = nullptr;
};

/// Takes the second norm away: both blocks read what the first one gives.
void without_second_norm(const gguf::File& file, const Keys& keys, ModelSpec& spec);
/// The norm before feed-forward stands in the file as post_attention_norm.
void use_post_attention_norm(const gguf::File& file, const Keys& keys, ModelSpec& spec);
/// Multiplies embeddings by the square root of their size, as all of Gemma's models do.
void scale_embedding(const gguf::File& file, const Keys& keys, ModelSpec& spec);
/// Returns the scale of scores of Gemma's 27B models, which have embedding size / heads in place of the head size.
/// Throws Error(kFormat) if there are more heads than that.
float scale_by_embedding(const gguf::File& file, const ModelSpec& spec);
/// Gives every layer the file's window, if it states one.
void add_windows_everywhere(const gguf::File& file, const Keys& keys, ModelSpec& spec);
/// Gives layers whose file has norms of queries and keys these, with weights of its own for each head.
void use_norms_by_head(const gguf::File& file, ModelSpec& spec);

/// Throws Error(kUnsupported) naming the architecture and listing the known ones.
const Architecture& find_architecture(const gguf::File& file, std::string_view name);

}  // namespace pith::model
