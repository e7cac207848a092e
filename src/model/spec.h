#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <tuple>
#include <vector>

#include "base/described.h"
#include "model/latent_spec.h"
#include "model/norm_spec.h"
#include "model/recurrent_spec.h"

namespace pith::model {

enum class RopePairs {
  kInterleaved,  ///< Elements 2i and 2i + 1 rotate together (llama files are stored so).
  kHalfSplit,    ///< Elements i and i + dims / 2.
};

enum class RopeScaling { kNone, kLinear, kYarn };

/// Which of LongRoPE's two tensors divides the frequencies (Ding et al., 2402.13753): that for contexts up to the
/// original one, or that for longer ones.
enum class RopeFactors { kNone, kShort, kLong };

/// Rotary position embedding (Su et al., 2104.09864) and its scaling.
struct RopeParams {
  /// Rotated elements of a head, even; the rest passes through. 0: positions rotate nothing (NoPE, 2305.19466).
  std::size_t dims = 0;
  RopePairs pairs = RopePairs::kInterleaved;
  double base = 10000.0;
  RopeScaling scaling = RopeScaling::kNone;
  double factor = 1.0;
  // YaRN (Peng et al., 2309.00071).
  double original_context = 0;
  double beta_fast = 32.0;
  double beta_slow = 1.0;
  /// Rotated elements are multiplied by it, and with YaRN by 1 + 0.1 ln(factor) as well.
  double attention_factor = 1.0;
  /// Whether frequencies are divided by the factors of the tensor rope_freqs (Llama 3).
  bool frequency_factors = false;
  RopeFactors long_factors = RopeFactors::kNone;

  /// Returns the same without what the scaling of a file's keys changes.
  RopeParams unscaled() const {
    RopeParams rope = *this;
    rope.scaling = RopeScaling::kNone;
    rope.factor = 1.0;
    rope.attention_factor = 1.0;
    return rope;
  }

  static constexpr auto fields() {
    return std::tuple(
        field("dims", &RopeParams::dims), field("pairs", &RopeParams::pairs), field("base", &RopeParams::base),
        field("scaling", &RopeParams::scaling), field("factor", &RopeParams::factor),
        field("original_context", &RopeParams::original_context), field("beta_fast", &RopeParams::beta_fast),
        field("beta_slow", &RopeParams::beta_slow), field("attention_factor", &RopeParams::attention_factor),
        field("frequency_factors", &RopeParams::frequency_factors), field("long_factors", &RopeParams::long_factors));
  }
};
static_assert(lists_every_field<RopeParams>);

/// What a norm of queries and keys is taken over.
enum class NormExtent {
  kHead,   ///< Each head, all with the same weights.
  kHeads,  ///< Each head, with weights of its own.
  kWhole,  ///< All heads together.
};

struct AttentionSpec {
  std::size_t heads = 0;
  std::size_t kv_heads = 0;    ///< Divides heads.
  std::size_t key_size = 0;    ///< Elements of a head's query and key.
  std::size_t value_size = 0;  ///< Elements of a head's value.
  /// Keys and values that are made of one row for all heads.
  LatentSpec latent;
  /// Tokens that a query sees, its own included; 0: all.
  std::size_t window = 0;
  /// Whether a query sees later tokens as well, as in encoders: those at a distance of half a window. Nothing is
  /// cached.
  bool both_ways = false;
  /// How many layers before this one the layer is whose keys and values it reads, as the last layers of Gemma 3n and 4
  /// do; 0: it has its own.
  std::size_t reads_back = 0;
  std::size_t rope = 0;  ///< Index into ModelSpec::ropes.
  /// Scores are query * key * scale.
  float scale = 1.0F;
  /// Elements of queries, keys and values are cut off there (OLMo, 2402.00838, section 2); 0: they are not.
  float clamp = 0.0F;
  /// Scores become cap * tanh(score / cap) before the softmax (Gemma 2, 2408.00118, section 2); 0: unchanged.
  float softcap = 0.0F;
  /// Whether each query head has a learned logit that joins the denominator of its softmax and has no value (gpt-oss,
  /// 2508.10925).
  bool sink_logits = false;
  /// Of queries and keys, before RoPE.
  NormSpec query_key_norm;
  NormExtent query_key_norm_extent = NormExtent::kHead;
  /// Of each head's value.
  NormSpec value_norm;
  /// Whether values are what keys are before their norm and RoPE, and have no matrix.
  bool values_are_keys = false;
  /// Queries at position p are multiplied by 1 + temperature_scale * ln(1 + floor(p / temperature_floor)), so that
  /// attention stays sharp in long contexts (Llama 4, Ministral 3); 0: by 1.
  float temperature_scale = 0.0F;
  std::size_t temperature_floor = 0;
  /// Whether query, key and value are one tensor, attn_qkv, in this order.
  bool fused = false;
  /// Whether the heads' outputs are multiplied by sigmoid(gate), with a gate of their size beside each query in attn_q
  /// (Qiu et al., 2505.06708).
  bool output_gate = false;
  bool query_bias = false, key_bias = false, value_bias = false, output_bias = false;

  bool present() const { return heads != 0; }
  /// Returns whether the layer has keys and values of its own, and whether it caches them.
  bool has_keys() const { return present() && reads_back == 0; }
  bool caches() const { return has_keys() && !both_ways; }
  std::size_t query_rows() const { return heads * key_size; }
  /// Rows of the tensor that queries come from.
  std::size_t query_matrix_rows() const {
    if (latent.present()) return heads * (latent.key_size + rotated_size());
    return output_gate ? query_rows() + output_columns() : query_rows();
  }
  /// Elements of the key that all heads share beside the latent.
  std::size_t rotated_size() const { return key_size - value_size; }
  std::size_t key_rows() const { return kv_heads * key_size; }
  std::size_t value_rows() const { return kv_heads * value_size; }
  std::size_t output_columns() const { return heads * value_size; }
  /// Columns of the tensor attn_output.
  std::size_t output_matrix_columns() const { return latent.present() ? heads * latent.value_size : output_columns(); }

  static constexpr auto fields() {
    return std::tuple(
        field("heads", &AttentionSpec::heads), field("kv_heads", &AttentionSpec::kv_heads),
        field("key_size", &AttentionSpec::key_size), field("value_size", &AttentionSpec::value_size),
        field("latent", &AttentionSpec::latent), field("window", &AttentionSpec::window),
        field("both_ways", &AttentionSpec::both_ways), field("reads_back", &AttentionSpec::reads_back),
        field("rope", &AttentionSpec::rope), field("scale", &AttentionSpec::scale),
        field("clamp", &AttentionSpec::clamp), field("softcap", &AttentionSpec::softcap),
        field("sink_logits", &AttentionSpec::sink_logits), field("query_key_norm", &AttentionSpec::query_key_norm),
        field("query_key_norm_extent", &AttentionSpec::query_key_norm_extent),
        field("value_norm", &AttentionSpec::value_norm), field("values_are_keys", &AttentionSpec::values_are_keys),
        field("temperature_scale", &AttentionSpec::temperature_scale),
        field("temperature_floor", &AttentionSpec::temperature_floor), field("fused", &AttentionSpec::fused),
        field("output_gate", &AttentionSpec::output_gate), field("query_bias", &AttentionSpec::query_bias),
        field("key_bias", &AttentionSpec::key_bias), field("value_bias", &AttentionSpec::value_bias),
        field("output_bias", &AttentionSpec::output_bias));
  }
};
static_assert(lists_every_field<AttentionSpec>);

enum class Activation {
  kSilu,
  kGelu,
  kSquaredRelu,  ///< max(x, 0)^2, without a gate only (So et al., 2109.08668)
  /// min(g, 7) sigmoid(1.702 min(g, 7)) (1 + clamp(u, -7, 7)) of gate g and up u (gpt-oss, 2508.10925).
  kClampedSwiglu,
};

/// How the router's logits become the experts' shares.
enum class ExpertGating {
  kSoftmax,          ///< Softmax over all experts; the chosen ones have the largest shares.
  kSigmoid,          ///< Sigmoid of each (DeepSeek-V3, 2412.19437).
  kSoftmaxOfChosen,  ///< Softmax over the chosen experts.
};

/// A mixture of experts in place of one feed-forward block (Shazeer et al., 1701.06538; Fedus et al., 2101.03961): a
/// router chooses `used` of `count` blocks for each token, whose outputs are added up by their shares.
struct ExpertsSpec {
  std::size_t count = 0;  ///< 0: the layer is no mixture.
  std::size_t used = 0;
  ExpertGating gating = ExpertGating::kSoftmax;
  /// Whether the chosen experts' shares are divided by their sum.
  bool normalized = false;
  float scale = 0.0F;  ///< The shares are multiplied by it; 0: by 1.
  /// Groups of neighbouring experts; 0: none. Only those of the `groups_used` groups whose two best experts have the
  /// largest sum are chosen from (DeepSeek-V3, 2412.19437, section 2.1.2).
  std::size_t groups = 0, groups_used = 0;
  bool router_bias = false;
  /// Whether the choice, but not the shares, is made with a bias for each expert (2412.19437, section 2.1.2).
  bool selection_bias = false;
  /// The size of a further expert that every token takes (DeepSeekMoE, 2401.06066); 0: none.
  std::size_t shared_size = 0;
  /// Whether the shared expert's output is multiplied by sigmoid(gate * x).
  bool shared_gate = false;
  /// Whether the shared expert's tensors are named as those of a layer without experts.
  bool shared_is_dense = false;
  /// Whether gate and up of all experts are one tensor, ffn_gate_up_exps, in this order.
  bool fused = false;
  /// Whether each expert's share is multiplied by a number of its own.
  bool output_scales = false;
  /// Norms of the residual stream in place of the layer's norm, for the router and for the experts; and those of what
  /// the experts and the shared one give, before these are added up (Gemma 4).
  NormSpec router_norm{}, input_norm{}, output_norm{}, shared_output_norm{};

  bool present() const { return count != 0; }

  static constexpr auto fields() {
    return std::tuple(
        field("count", &ExpertsSpec::count), field("used", &ExpertsSpec::used), field("gating", &ExpertsSpec::gating),
        field("normalized", &ExpertsSpec::normalized), field("scale", &ExpertsSpec::scale),
        field("groups", &ExpertsSpec::groups), field("groups_used", &ExpertsSpec::groups_used),
        field("router_bias", &ExpertsSpec::router_bias), field("selection_bias", &ExpertsSpec::selection_bias),
        field("shared_size", &ExpertsSpec::shared_size), field("shared_gate", &ExpertsSpec::shared_gate),
        field("shared_is_dense", &ExpertsSpec::shared_is_dense), field("fused", &ExpertsSpec::fused),
        field("output_scales", &ExpertsSpec::output_scales), field("router_norm", &ExpertsSpec::router_norm),
        field("input_norm", &ExpertsSpec::input_norm), field("output_norm", &ExpertsSpec::output_norm),
        field("shared_output_norm", &ExpertsSpec::shared_output_norm));
  }
};
static_assert(lists_every_field<ExpertsSpec>);

struct FeedForwardSpec {
  std::size_t size = 0;  ///< Of each expert, if there are experts.
  Activation activation = Activation::kSilu;
  /// down(activation(gate(x)) * up(x)) (Shazeer, 2002.05202); otherwise down(activation(up(x))).
  bool gated = true;
  /// Whether gate and up are one tensor, ffn_up, in this order.
  bool fused = false;
  bool gate_bias = false, up_bias = false, down_bias = false;
  ExpertsSpec experts;

  bool present() const { return size != 0; }

  static constexpr auto fields() {
    return std::tuple(field("size", &FeedForwardSpec::size), field("activation", &FeedForwardSpec::activation),
                      field("gated", &FeedForwardSpec::gated), field("fused", &FeedForwardSpec::fused),
                      field("gate_bias", &FeedForwardSpec::gate_bias), field("up_bias", &FeedForwardSpec::up_bias),
                      field("down_bias", &FeedForwardSpec::down_bias), field("experts", &FeedForwardSpec::experts));
  }
};
static_assert(lists_every_field<FeedForwardSpec>);

/// How a layer's two blocks follow each other.
enum class Residual {
  kSerial,  ///< x += attention(norm(x)); x += feed_forward(norm(x))
  /// x += attention(norm(x)) + feed_forward(norm(x)), both of the same x. Without a norm of its own, feed-forward reads
  /// what attention reads.
  kParallel,
};

/// Two blocks: attention or a recurrence, and feed-forward. Either may be absent.
struct LayerSpec {
  Residual residual = Residual::kSerial;
  NormSpec attention_norm, attention_post_norm;  ///< Those of a recurrence as well.
  /// Of the residual stream once a block's output has been added (the form of 1706.03762).
  NormSpec attention_sum_norm, feed_forward_sum_norm;
  AttentionSpec attention;
  RecurrentSpec recurrent;
  NormSpec feed_forward_norm, feed_forward_post_norm;
  FeedForwardSpec feed_forward;
  /// What a block adds is multiplied by it; 0: by 1.
  float block_scale = 0.0F;
  /// Whether the residual stream is multiplied by a number of the layer's own at its end.
  bool output_scale = false;
  /// Tensors of the norms before the blocks where a file has them under other names than attn_norm and ffn_norm.
  std::string attention_norm_tensor, feed_forward_norm_tensor;

  static constexpr auto fields() {
    return std::tuple(field("residual", &LayerSpec::residual), field("attention_norm", &LayerSpec::attention_norm),
                      field("attention_post_norm", &LayerSpec::attention_post_norm),
                      field("attention_sum_norm", &LayerSpec::attention_sum_norm),
                      field("feed_forward_sum_norm", &LayerSpec::feed_forward_sum_norm),
                      field("attention", &LayerSpec::attention), field("recurrent", &LayerSpec::recurrent),
                      field("feed_forward_norm", &LayerSpec::feed_forward_norm),
                      field("feed_forward_post_norm", &LayerSpec::feed_forward_post_norm),
                      field("feed_forward", &LayerSpec::feed_forward), field("block_scale", &LayerSpec::block_scale),
                      field("output_scale", &LayerSpec::output_scale),
                      field("attention_norm_tensor", &LayerSpec::attention_norm_tensor),
                      field("feed_forward_norm_tensor", &LayerSpec::feed_forward_norm_tensor));
  }
};
static_assert(lists_every_field<LayerSpec>);

/// Embeddings that each layer has of its own (Gemma 3n and 4, "PLE"). At a layer's end the residual stream x becomes
/// x + norm(output(gelu(gate(x)) * e)), where e = (row * sqrt(size) + norm(projection(token's embedding) /
/// sqrt(hidden_size))) / sqrt(2) with the token's row of a table.
struct LayerEmbeddingSpec {
  std::size_t size = 0;  ///< Of one layer; 0: there are none.
  NormSpec norm;         ///< Of the projection, and of what is added.

  bool present() const { return size != 0; }

  static constexpr auto fields() {
    return std::tuple(field("size", &LayerEmbeddingSpec::size), field("norm", &LayerEmbeddingSpec::norm));
  }
};
static_assert(lists_every_field<LayerEmbeddingSpec>);

/// All that the forward pass needs to know of a model, as data: which parts each layer has, and their shapes. Filled
/// from a file's metadata (read_spec.h); binding asks for exactly the tensors that it implies.
struct ModelSpec {
  std::string architecture;
  std::size_t hidden_size = 0;
  std::size_t vocab = 0;
  std::size_t context_trained = 0;
  float embedding_scale = 1.0F;
  float logit_scale = 1.0F;
  /// Logits, once scaled, become cap * tanh(logit / cap); 0: unchanged.
  float logit_softcap = 0.0F;
  /// Whether the output matrix is the embedding.
  bool tied_output = false;
  bool output_bias = false;
  /// Positions that have a learned embedding, which is added to the token's; 0: positions are seen by RoPE alone.
  std::size_t learned_positions = 0;
  /// Kinds of text that have an embedding, of which that of the first is added to each token's (BERT); 0: none.
  std::size_t token_types = 0;
  NormSpec embedding_norm;        ///< Of the sum of embeddings.
  std::vector<RopeParams> ropes;  ///< The first is that of layers without a window.
  std::vector<LayerSpec> layers;
  /// Layers that the file has beyond these, which draft further tokens (multi-token prediction). They are not used.
  std::size_t drafting_layers = 0;
  LayerEmbeddingSpec layer_embedding;
  NormSpec output_norm;
  std::string output_norm_tensor;  ///< Empty: output_norm.

  /// Returns whether a token's place in the text is all in how keys and queries are rotated, so that what is cached can
  /// be seen from elsewhere.
  bool positions_move() const {
    return learned_positions == 0 && std::all_of(layers.begin(), layers.end(), [](const LayerSpec& layer) {
             return layer.attention.temperature_scale == 0.0F && !layer.recurrent.present();
           });
  }

  /// Returns whether tokens see later ones, so that a text is read as a whole and nothing can be generated.
  bool is_encoder() const { return first_attending().attention.both_ways; }
  /// Returns the layer whose keys and values a layer with attention reads: itself or one before.
  std::size_t cached_by(std::size_t layer) const { return layer - layers[layer].attention.reads_back; }
  /// Returns whether later layers read a layer's keys and values.
  bool lends_cache(std::size_t layer) const {
    for (std::size_t i = layer + 1; i < layers.size(); ++i) {
      if (layers[i].attention.reads_back != 0 && cached_by(i) == layer) return true;
    }
    return false;
  }
  /// Returns the number in a cache of the layer that a layer with attention reads.
  std::size_t cache_layer(std::size_t layer) const {
    return count_before(cached_by(layer), [](const LayerSpec& l) { return l.attention.caches(); });
  }
  /// Returns the number that a recurrent layer has among those.
  std::size_t state_layer(std::size_t layer) const {
    return count_before(layer, [](const LayerSpec& l) { return l.recurrent.present(); });
  }
  /// Returns the first layer with attention, or the first layer where none has.
  const LayerSpec& first_attending() const {
    const auto attends = [](const LayerSpec& layer) { return layer.attention.present(); };
    const auto found = std::find_if(layers.begin(), layers.end(), attends);
    return found == layers.end() ? layers.front() : *found;
  }

  /// Returns the largest window of a layer; 0 if none has one.
  std::size_t window_max() const {
    std::size_t most = 0;
    for (const LayerSpec& layer : layers) most = std::max(most, layer.attention.window);
    return most;
  }

  static constexpr auto fields() {
    return std::tuple(
        field("architecture", &ModelSpec::architecture), field("hidden_size", &ModelSpec::hidden_size),
        field("vocab", &ModelSpec::vocab), field("context_trained", &ModelSpec::context_trained),
        field("embedding_scale", &ModelSpec::embedding_scale), field("logit_scale", &ModelSpec::logit_scale),
        field("logit_softcap", &ModelSpec::logit_softcap), field("tied_output", &ModelSpec::tied_output),
        field("output_bias", &ModelSpec::output_bias), field("learned_positions", &ModelSpec::learned_positions),
        field("token_types", &ModelSpec::token_types), field("embedding_norm", &ModelSpec::embedding_norm),
        field("ropes", &ModelSpec::ropes), field("layers", &ModelSpec::layers),
        field("drafting_layers", &ModelSpec::drafting_layers), field("layer_embedding", &ModelSpec::layer_embedding),
        field("output_norm", &ModelSpec::output_norm), field("output_norm_tensor", &ModelSpec::output_norm_tensor));
  }

 private:
  template <typename Counts>
  std::size_t count_before(std::size_t layer, const Counts& counts) const {
    const auto last = layers.begin() + static_cast<std::ptrdiff_t>(layer);
    return static_cast<std::size_t>(std::count_if(layers.begin(), last, counts));
  }
};
static_assert(lists_every_field<ModelSpec>);

}  // namespace pith::model
