#include "model/reference_spec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <stdexcept>
#include <string>
#include <string_view>

#include "model/reference_keys.h"
#include "model/reference_latent.h"
#include "weights/dequantize.h"

namespace pith::test {
namespace {

enum class LocalRope { kSame, kOwnBase, kUnscaled };

/// What an architecture means without stating it in keys or tensors. A further one is one more row.
struct Architecture {
  std::string_view name;
  bool interleaved_pairs = false;
  ReferenceActivation activation = ReferenceActivation::kSilu;
  bool scales_embedding = false;
  /// Every n-th layer sees all tokens, where the file does not say which; 0: the architecture has no windows.
  std::size_t window_period = 0;
  /// Whether every layer has the window.
  bool windows_everywhere = false;
  bool layer_norm = false;
  /// Whether both blocks of a layer read the same x; what the file says goes first.
  bool parallel = false;
  /// How layers with a window rotate.
  LocalRope local_rope = LocalRope::kSame;
  /// Whether layers without a window rotate nothing, if there are layers with one.
  bool only_windows_rotate = false;
  /// Every n-th layer rotates nothing; 0: none.
  std::size_t no_rope_period = 0;
  /// Whether no layer rotates anything.
  bool no_rope = false;
  bool query_gates = false;
  bool cyclic_key_heads = false;
  bool unscaled_scores = false;
  bool norms_values = false;
  bool plain_norms = false;
  ReferenceGating gating = ReferenceGating::kAll;
  bool normalized_shares = true;
  bool post_attention_norm_before_feed_forward = false;
  /// A model of so many layers divides scores by sqrt(embedding / heads) in place of sqrt(key size).
  std::size_t layers_scaled_by_embedding = 0;
};

constexpr std::array kArchitectures = {
    // 2302.13971. Converters reorder the rows of Q and K, so that pairs lie side by side as in 2104.09864, eq. 34.
    Architecture{.name = "llama", .interleaved_pairs = true},
    // 2407.10671, section 2.2: biases on Q, K and V.
    Architecture{.name = "qwen2"},
    // 2505.09388, section 2: norms on each head's query and key in place of the biases.
    Architecture{.name = "qwen3"},
    // 2503.19786, section 2: norms before and after both blocks and on queries and keys, five layers with a window per
    // layer without. The 27B model's query_pre_attn_scalar, 168, is embedding / heads.
    Architecture{.name = "gemma3",
                 .activation = ReferenceActivation::kGelu,
                 .scales_embedding = true,
                 .window_period = 6,
                 .local_rope = LocalRope::kOwnBase,
                 .layers_scaled_by_embedding = 62},
    // 2402.19173, section 6.1.
    Architecture{.name = "starcoder2", .activation = ReferenceActivation::kGelu, .layer_norm = true},
    // 2204.06745, section 2.1.
    Architecture{.name = "gptneox", .activation = ReferenceActivation::kGelu, .layer_norm = true, .parallel = true},
    Architecture{.name = "command-r", .interleaved_pairs = true, .layer_norm = true, .parallel = true},
    // The model card of Command R7B: "three layers with sliding window attention and RoPE; a fourth with global
    // attention without positional embeddings".
    Architecture{.name = "cohere2",
                 .interleaved_pairs = true,
                 .window_period = 4,
                 .layer_norm = true,
                 .parallel = true,
                 .only_windows_rotate = true},
    // 2409.12191 and 2511.21631: text has the same position in each section of M-RoPE, which is plain RoPE.
    Architecture{.name = "qwen2vl"},
    Architecture{.name = "qwen3vl"},
    Architecture{.name = "qwen3vlmoe"},
    // 2505.09388: 8 of 128 experts, whose shares sum to one; no shared one. Qwen 1.5 MoE's do not, and it has one.
    Architecture{.name = "qwen3moe"},
    Architecture{.name = "qwen2moe", .normalized_shares = false},
    Architecture{.name = "olmoe", .normalized_shares = false},
    Architecture{.name = "deepseek", .interleaved_pairs = true, .normalized_shares = false},
    Architecture{.name = "ernie4_5", .interleaved_pairs = true},
    Architecture{.name = "ernie4_5-moe", .interleaved_pairs = true},
    Architecture{.name = "internlm2", .interleaved_pairs = true},
    Architecture{.name = "granite", .interleaved_pairs = true},
    Architecture{.name = "granitemoe", .interleaved_pairs = true},
    // 2404.06395, table 7: embeddings times 12, blocks times 1.4 / sqrt(layers), logits divided by width / 256.
    Architecture{.name = "minicpm", .interleaved_pairs = true},
    // 2508.10925, section 2.1: banded attention in alternating layers.
    Architecture{.name = "gpt-oss",
                 .activation = ReferenceActivation::kClamped,
                 .window_period = 2,
                 .gating = ReferenceGating::kChosen,
                 .normalized_shares = false,
                 .post_attention_norm_before_feed_forward = true},
    Architecture{.name = "seed_oss", .post_attention_norm_before_feed_forward = true},
    Architecture{.name = "gemma", .activation = ReferenceActivation::kGelu, .scales_embedding = true},
    // 2408.00118, section 2; query_pre_attn_scalar of the 27B model is 144, embedding / heads.
    Architecture{.name = "gemma2",
                 .activation = ReferenceActivation::kGelu,
                 .scales_embedding = true,
                 .window_period = 2,
                 .layers_scaled_by_embedding = 46},
    // As Hugging Face's transformers computes it (models/gemma4): scores are not scaled, values are normed.
    Architecture{.name = "gemma4",
                 .activation = ReferenceActivation::kGelu,
                 .scales_embedding = true,
                 .window_period = 6,
                 .local_rope = LocalRope::kOwnBase,
                 .unscaled_scores = true,
                 .norms_values = true},
    Architecture{.name = "phi2", .activation = ReferenceActivation::kGelu, .layer_norm = true, .parallel = true},
    Architecture{.name = "phi3", .windows_everywhere = true},
    Architecture{.name = "glm4", .interleaved_pairs = true},
    // 2501.00656, section 2; OLMo 3's windows: 2512.13961.
    Architecture{.name = "olmo2", .window_period = 4, .local_rope = LocalRope::kUnscaled},
    Architecture{.name = "exaone4", .window_period = 4, .only_windows_rotate = true},
    Architecture{.name = "mistral3", .interleaved_pairs = true},
    Architecture{.name = "smollm3", .interleaved_pairs = true, .no_rope_period = 4},
    // 2311.16867, section 4.
    Architecture{.name = "falcon", .activation = ReferenceActivation::kGelu, .layer_norm = true, .parallel = true},
    Architecture{.name = "stablelm", .layer_norm = true},
    Architecture{.name = "gpt2", .activation = ReferenceActivation::kGelu, .layer_norm = true},
    // 2402.16819, section 2.
    Architecture{.name = "nemotron", .activation = ReferenceActivation::kSquaredRelu, .layer_norm = true},
    // 2504.03624, section 2.
    Architecture{.name = "nemotron_h", .activation = ReferenceActivation::kSquaredRelu, .no_rope = true},
    Architecture{.name = "nemotron_h_moe",
                 .activation = ReferenceActivation::kSquaredRelu,
                 .no_rope = true,
                 .gating = ReferenceGating::kSigmoid},
    // 2402.00838, section 2.
    Architecture{.name = "olmo", .interleaved_pairs = true, .layer_norm = true, .plain_norms = true},
    Architecture{.name = "mamba2"},
    Architecture{.name = "granitehybrid", .interleaved_pairs = true},
    Architecture{.name = "lfm2", .windows_everywhere = true},
    Architecture{.name = "lfm2moe", .windows_everywhere = true},
    Architecture{.name = "glm4moe",
                 .gating = ReferenceGating::kSigmoid,
                 .normalized_shares = false,
                 .post_attention_norm_before_feed_forward = true},
    // 2412.19437, section 2.1.
    Architecture{.name = "deepseek2", .interleaved_pairs = true, .normalized_shares = false},
    Architecture{.name = "minicpm3"},
    Architecture{.name = "plm", .interleaved_pairs = true, .activation = ReferenceActivation::kSquaredRelu},
    // 1810.04805, section 3; 2402.01613, section 3; EmbeddingGemma: 2509.20354.
    Architecture{.name = "bert", .activation = ReferenceActivation::kGelu, .layer_norm = true, .no_rope = true},
    Architecture{.name = "nomic-bert", .layer_norm = true},
    Architecture{.name = "gemma-embedding",
                 .activation = ReferenceActivation::kGelu,
                 .scales_embedding = true,
                 .window_period = 6,
                 .local_rope = LocalRope::kOwnBase},
    Architecture{.name = "qwen3next", .query_gates = true, .post_attention_norm_before_feed_forward = true},
    Architecture{.name = "qwen35",
                 .query_gates = true,
                 .cyclic_key_heads = true,
                 .post_attention_norm_before_feed_forward = true},
    Architecture{.name = "qwen35moe",
                 .query_gates = true,
                 .cyclic_key_heads = true,
                 .post_attention_norm_before_feed_forward = true},
};

const Architecture& find_architecture(std::string_view name) {
  for (const Architecture& each : kArchitectures) {
    if (each.name == name) return each;
  }
  throw std::invalid_argument("the oracle does not know the architecture " + std::string(name));
}

using Keys = ReferenceKeys;

/// Returns the share of its own frequency that a pair keeps under YaRN (2309.00071, section 3.2): all of it if it makes
/// more than beta_fast rotations within the original context, nothing if less than beta_slow. As in the authors' code,
/// the ramp between is linear in the pair's number, and its ends are rounded outward to whole pairs.
double yarn_share(const Keys& keys, double base, std::size_t dims, std::size_t pair) {
  const auto context =
      static_cast<double>(keys.count("rope.scaling.original_context_length", keys.count("context_length")));
  const auto size = static_cast<double>(dims);
  const auto pair_that_makes = [&](double rotations) {
    const double wavelength = context / rotations;  // 2 pi base^(2 pair / dims)
    return size / 2.0 * std::log(wavelength / (2.0 * std::numbers::pi)) / std::log(base);
  };
  const double first = std::floor(pair_that_makes(keys.real("rope.scaling.yarn_beta_fast", 32.0)));
  const double last = std::ceil(pair_that_makes(keys.real("rope.scaling.yarn_beta_slow", 1.0)));
  const double low = std::max(first, 0.0);
  const double high = std::max(std::min(last, size - 1.0), low + 0.001);
  return 1.0 - std::clamp((static_cast<double>(pair) - low) / (high - low), 0.0, 1.0);
}

/// Returns RoPE's frequencies base^(-2i / dims) (2104.09864, eq. 15).
ReferenceRope plain_rope(bool interleaved, double base, std::size_t dims) {
  ReferenceRope rope;
  rope.interleaved = interleaved;
  for (std::size_t i = 0; i < dims / 2; ++i) {
    rope.frequencies.push_back(std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(dims)));
  }
  return rope;
}

/// 2402.13753: each frequency is divided by a factor that was searched for, one set of which is for contexts up to the
/// original one.
ReferenceRope long_rope(const gguf::File& file, const Keys& keys, ReferenceRope rope) {
  const std::size_t context = keys.count("context_length");
  const bool longer = context > keys.count("rope.scaling.original_context_length", context);
  const gguf::TensorInfo& divisors = file.require(longer ? "rope_factors_long.weight" : "rope_factors_short.weight");
  std::vector<float> values(divisors.columns());
  weights::dequantize(divisors.type, divisors.data, values);
  for (std::size_t i = 0; i < values.size(); ++i) rope.frequencies.at(i) /= static_cast<double>(values[i]);
  return rope;
}

/// Scales RoPE to a longer context: by position interpolation (2306.15595, eq. 4), by YaRN, or by the factors of Llama
/// 3.1, which the file holds as a tensor of divisors.
ReferenceRope scaled_rope(const gguf::File& file, const Keys& keys, bool interleaved, std::size_t dims) {
  const double base = keys.real("rope.freq_base", 10000.0);
  ReferenceRope rope = plain_rope(interleaved, base, dims);
  if (const gguf::TensorInfo* divisors = file.find("rope_freqs.weight")) {
    std::vector<float> values(divisors->columns());
    weights::dequantize(divisors->type, divisors->data, values);
    for (std::size_t i = 0; i < values.size(); ++i) rope.frequencies.at(i) /= static_cast<double>(values[i]);
  }
  const double factor = keys.real("rope.scaling.factor", keys.real("rope.scale_linear", 1.0));
  const std::string_view type = keys.text("rope.scaling.type", "linear");
  rope.magnitude = keys.real("rope.scaling.attn_factor", 1.0);
  if (file.find("rope_factors_long.weight") != nullptr) return long_rope(file, keys, std::move(rope));
  if (type == "none") return rope;
  if (type != "linear" && type != "yarn") throw std::invalid_argument("the oracle does not know this RoPE scaling");
  for (std::size_t i = 0; i < rope.frequencies.size(); ++i) {
    const double kept = type == "yarn" ? yarn_share(keys, base, dims, i) : 0.0;
    rope.frequencies[i] *= kept + (1.0 - kept) / factor;
  }
  // 2309.00071, section 3.4: scores are divided by t with sqrt(1 / t) = 0.1 ln(factor) + 1, half of it in each operand.
  if (type == "yarn") {
    const double grown = 0.1 * std::log(std::max(factor, 1.0));
    rope.magnitude *= (1.0 + grown) / (1.0 + grown * keys.real("rope.scaling.yarn_log_multiplier", 0.0));
  }
  return rope;
}

/// Returns which layers rotate keys and queries.
std::vector<bool> read_rotated(const gguf::File& file, const Architecture& architecture,
                               const std::vector<std::size_t>& windows) {
  std::vector<bool> rotated(windows.size(), file.find("position_embd.weight") == nullptr && !architecture.no_rope);
  const bool any_window = std::any_of(windows.begin(), windows.end(), [](std::size_t window) { return window != 0; });
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (architecture.no_rope_period != 0 && (i + 1) % architecture.no_rope_period == 0) rotated[i] = false;
    // Command R7B says so of any model, EXAONE 4 of those with windows.
    const bool by_window = architecture.only_windows_rotate && (any_window || architecture.name == "cohere2");
    if (by_window && windows[i] == 0) rotated[i] = false;
  }
  return rotated;
}

/// Reads what scales MiniCPM and Granite have beyond llama's.
void read_multipliers(const Keys& keys, const Architecture& architecture, std::size_t embedding, ReferenceSpec& s) {
  const bool minicpm = architecture.name == "minicpm" || architecture.name == "minicpm3";
  if (!minicpm && architecture.name != "granite" && architecture.name != "granitemoe" &&
      architecture.name != "granitehybrid")
    return;
  s.embedding_scale = keys.real("embedding_scale", minicpm ? 12.0 : 1.0);
  s.residual_scale = keys.real("residual_scale", minicpm ? 1.4 / std::sqrt(static_cast<double>(s.layers)) : 1.0);
  s.logit_scale = 1.0 / keys.real("logit_scale", minicpm ? static_cast<double>(embedding) / 256.0 : 1.0);
  s.attention_scale = keys.real("attention.scale", s.attention_scale);
}

/// Returns each layer's window: the file says which layers have one by a list, or by a period (0: all have one).
std::vector<std::size_t> read_windows(const Keys& keys, const Architecture& architecture, std::size_t layers) {
  std::vector<std::size_t> windows(layers, 0);
  const char* const pattern = "attention.sliding_window_pattern";
  const std::size_t window = keys.count("attention.sliding_window", 0);
  if (architecture.windows_everywhere) windows.assign(layers, window);
  if (architecture.window_period == 0) return windows;
  const std::vector<std::int64_t> list = keys.list(pattern);
  const std::size_t period = list.empty() ? keys.count(pattern, architecture.window_period) : 0;
  for (std::size_t i = 0; i < layers; ++i) {
    const bool local = list.empty() ? period == 0 || (i + 1) % period != 0 : list.at(i) != 0;
    if (local) windows[i] = window;
  }
  return windows;
}

/// Layers without attention have no KV heads, and some models' layers have different numbers of them.
void read_heads(const Keys& keys, ReferenceSpec& s) {
  const auto most = [&](const char* name, std::size_t fallback) {
    const std::vector<std::int64_t> list = keys.list(name);
    return list.empty() ? keys.count(name, fallback)
                        : static_cast<std::size_t>(*std::max_element(list.begin(), list.end()));
  };
  s.heads = most("attention.head_count", 0);
  const std::vector<std::int64_t> list = keys.list("attention.head_count_kv");
  s.kv_heads.assign(s.layers, most("attention.head_count_kv", s.heads));
  for (std::size_t i = 0; i < s.layers && !list.empty(); ++i) s.kv_heads[i] = static_cast<std::size_t>(list.at(i));
}

/// Reads what heads of layers with a window have of their own, and which layers read the keys and values of others: the
/// last ones those of the last one before them that has the same window.
void read_layer_sizes(const Keys& keys, std::size_t key_size, std::size_t value_size, ReferenceSpec& s) {
  const std::size_t first = s.layers - keys.count("attention.shared_kv_layers", 0);
  for (std::size_t i = 0; i < s.layers; ++i) {
    const bool local = s.windows[i] != 0;
    s.key_sizes.push_back(local ? keys.count("attention.key_length_swa", key_size) : key_size);
    s.value_sizes.push_back(local ? keys.count("attention.value_length_swa", value_size) : value_size);
    s.sources.push_back(i);
    for (std::size_t j = 0; j < first && i >= first; ++j) {
      if (s.windows[j] == s.windows[i]) s.sources[i] = j;
    }
  }
}

void read_states(const Keys& keys, const Architecture& architecture, ReferenceSpec& s) {
  s.query_gates = architecture.query_gates;
  s.cyclic_key_heads = architecture.cyclic_key_heads;
  s.state_heads = keys.count("ssm.time_step_rank", 0);
  if (s.state_heads == 0) return;
  s.state_key_heads = keys.count("ssm.group_count");
  s.state_values = keys.count("ssm.inner_size") / s.state_heads;
  s.state_keys = keys.count("ssm.state_size");
}

}  // namespace

ReferenceSpec read_reference_spec(const gguf::File& file) {
  const auto name = file.metadata().require<std::string_view>("general.architecture");
  const Architecture& architecture = find_architecture(name);
  const Keys keys(file, name);
  ReferenceSpec s;
  s.layers = keys.count("block_count") - keys.count("nextn_predict_layers", 0);
  read_heads(keys, s);
  const std::size_t embedding = keys.count("embedding_length");
  const std::size_t usual_size = s.heads == 0 ? 1 : embedding / s.heads;
  const std::size_t key_size = keys.count("attention.key_length", usual_size);
  s.layer_norm = architecture.layer_norm;
  s.norm_eps = keys.real(s.layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon", 0.0);
  // 2402.17834: the larger StableLM 2 has the parallel form, and with it no second norm.
  const bool one_norm = name == "stablelm" && file.find("blk.0.ffn_norm.weight") == nullptr;
  s.parallel = keys.flag("use_parallel_residual", architecture.parallel || one_norm);
  s.logit_scale = keys.real("logit_scale", 1.0);
  if (architecture.scales_embedding) s.embedding_scale = std::sqrt(static_cast<double>(embedding));
  const std::size_t divisor = s.layers == architecture.layers_scaled_by_embedding ? embedding / s.heads : key_size;
  s.attention_scale = architecture.unscaled_scores ? 1.0 : 1.0 / std::sqrt(static_cast<double>(divisor));
  s.norms_values = architecture.norms_values;
  s.plain_norms = architecture.plain_norms;
  s.clamp = keys.real("attention.clamp_kqv", 0.0);
  s.layer_embedding = keys.count("embedding_length_per_layer_input", 0);
  s.attention_softcap = keys.real("attn_logit_softcapping", 0.0);
  s.logit_softcap = keys.real("final_logit_softcapping", 0.0);
  s.activation = architecture.activation;
  s.windows = read_windows(keys, architecture, s.layers);
  read_layer_sizes(keys, key_size, keys.count("attention.value_length", usual_size), s);
  const std::size_t dims = keys.count("rope.dimension_count", key_size);
  s.rope = scaled_rope(file, keys, architecture.interleaved_pairs, dims);
  s.local_rope = s.rope;
  if (architecture.local_rope == LocalRope::kOwnBase) {
    s.local_rope = plain_rope(architecture.interleaved_pairs, keys.real("rope.freq_base_swa", 10000.0),
                              keys.count("rope.dimension_count_swa", dims));
  }
  if (architecture.local_rope == LocalRope::kUnscaled)
    s.local_rope = plain_rope(architecture.interleaved_pairs, keys.real("rope.freq_base", 10000.0), dims);
  s.rotated = read_rotated(file, architecture, s.windows);
  if (!keys.flag("rope.scaling.finetuned", true)) s.rotated.assign(s.layers, false);
  if (architecture.name == "mistral3") {
    s.temperature = keys.real("attention.temperature_scale", 0.0);
    s.temperature_floor =
        static_cast<double>(keys.count("rope.scaling.original_context_length", keys.count("context_length")));
  }
  s.experts_used = keys.count("expert_used_count", 0);
  s.gating = keys.count("expert_gating_func", 0) == 2 ? ReferenceGating::kSigmoid : architecture.gating;
  s.normalized_shares = keys.flag("expert_weights_norm", architecture.normalized_shares);
  s.share_scale = keys.real("expert_weights_scale", 1.0);
  s.feed_forward_norm_is_post_attention = architecture.post_attention_norm_before_feed_forward;
  read_multipliers(keys, architecture, embedding, s);
  if (keys.has("attention.kv_lora_rank")) read_latent(keys, s);
  s.expert_groups = keys.count("expert_group_count", 0);
  s.expert_groups_used = keys.count("expert_group_used_count", 0);
  read_states(keys, architecture, s);
  return s;
}

}  // namespace pith::test
