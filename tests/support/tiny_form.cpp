#include "support/tiny_form.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "support/tiny_gemma4.h"
#include "support/tiny_latent.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

void command_r_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".logit_scale", 0.0625F);
}

void granite_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".logit_scale", 4.0F);
  writer.add(spec.architecture + ".embedding_scale", 3.0F);
  writer.add(spec.architecture + ".residual_scale", 0.22F);
  writer.add(spec.architecture + ".attention.scale", 0.1F);
}

void minicpm_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".logit_scale", 4.0F);
  writer.add(spec.architecture + ".embedding_scale", 3.0F);
  writer.add(spec.architecture + ".residual_scale", 0.22F);
}

/// M-RoPE's shares of a head for the three directions of a picture.
void section_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add_array(spec.architecture + ".rope.dimension_sections", std::vector<std::int32_t>{8, 4, 4, 0});
}

void gemma2_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".attn_logit_softcapping", 2.0F);
  writer.add(spec.architecture + ".final_logit_softcapping", 3.0F);
}

void mistral3_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".attention.temperature_scale", 0.5F);
  if (spec.rope == TinyRope::kYarn) writer.add(spec.architecture + ".rope.scaling.yarn_log_multiplier", 0.5F);
}

void neox_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".use_parallel_residual", spec.parallel);
}

void shared_size_key(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".expert_shared_feed_forward_length", static_cast<std::uint32_t>(spec.shared_expert));
}

void ernie_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  shared_size_key(writer, spec);
  writer.add(spec.architecture + ".interleave_moe_layer_step", 1U);
}

void granite_hybrid_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  granite_keys(writer, spec);
  shared_size_key(writer, spec);
}

/// Shared experts as the number of usual ones that they are as large as.
void deepseek_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".expert_shared_count",
             static_cast<std::uint32_t>(spec.shared_expert / spec.feed_forward));
  writer.add(spec.architecture + ".expert_weights_scale", 1.5F);
  writer.add(spec.architecture + ".leading_dense_block_count", static_cast<std::uint32_t>(spec.dense_layers));
}

void glm4moe_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  deepseek_keys(writer, spec);
  writer.add(spec.architecture + ".expert_gating_func", 2U);
  writer.add(spec.architecture + ".expert_weights_norm", true);
}

void lfm2moe_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".expert_gating_func", 2U);
  writer.add(spec.architecture + ".leading_dense_block_count", static_cast<std::uint32_t>(spec.dense_layers));
}

void nemotron_h_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".attention.layer_norm_epsilon", 1e-6F);
}

void nemotron_h_moe_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  nemotron_h_keys(writer, spec);
  shared_size_key(writer, spec);
  writer.add(spec.architecture + ".expert_weights_norm", true);
  writer.add(spec.architecture + ".expert_weights_scale", 2.5F);
  writer.add(spec.architecture + ".expert_group_count", 1U);
}

void olmo_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".attention.clamp_kqv", 1.5F);
}

void qwen_next_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  shared_size_key(writer, spec);
  writer.add(spec.architecture + ".full_attention_interval", 2U);
}

void qwen35_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  section_keys(writer, spec);
  writer.add(spec.architecture + ".full_attention_interval", 2U);
}

void qwen35moe_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  qwen35_keys(writer, spec);
  shared_size_key(writer, spec);
}

void encoder_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  writer.add(spec.architecture + ".attention.causal", false);
  writer.add("tokenizer.ggml.token_type_count", 2U);
}

// The others have the tensors of llama.
constexpr std::array kForms = {
    TinyForm{.architecture = "qwen2", .qkv_bias = true},
    TinyForm{.architecture = "qwen2vl", .qkv_bias = true, .keys = section_keys},
    TinyForm{.architecture = "qwen3", .qk_norm = TinyQkNorm::kHead},
    TinyForm{.architecture = "qwen3vl", .qk_norm = TinyQkNorm::kHead, .keys = section_keys},
    TinyForm{.architecture = "gemma3",
             .norms = TinyNorms::kBeforeAndAfter,
             .qk_norm = TinyQkNorm::kHead,
             .scales_embedding = true},
    TinyForm{.architecture = "gemma4",
             .norms = TinyNorms::kBeforeAndAfter,
             .qk_norm = TinyQkNorm::kHead,
             .scales_embedding = true,
             .keys = add_gemma4_keys},
    TinyForm{.architecture = "starcoder2",
             .layer_norm = true,
             .norm_bias = true,
             .qkv_bias = true,
             .other_biases = true,
             .gated = false},
    TinyForm{.architecture = "gptneox",
             .layer_norm = true,
             .norm_bias = true,
             .qkv_bias = true,
             .other_biases = true,
             .fused_qkv = true,
             .gated = false,
             .keys = neox_keys},
    TinyForm{.architecture = "command-r", .norms = TinyNorms::kOne, .layer_norm = true, .keys = command_r_keys},
    TinyForm{.architecture = "cohere2", .norms = TinyNorms::kOne, .layer_norm = true, .keys = command_r_keys},
    TinyForm{.architecture = "qwen3moe", .qk_norm = TinyQkNorm::kHead, .experts = 6},
    TinyForm{.architecture = "qwen3vlmoe", .qk_norm = TinyQkNorm::kHead, .experts = 6, .keys = section_keys},
    TinyForm{.architecture = "qwen2moe",
             .qkv_bias = true,
             .experts = 6,
             .shared_expert = true,
             .shared_gate = true,
             .keys = shared_size_key},
    TinyForm{.architecture = "olmoe", .qk_norm = TinyQkNorm::kWhole, .experts = 6},
    TinyForm{.architecture = "deepseek", .experts = 6, .shared_expert = true, .keys = deepseek_keys},
    TinyForm{.architecture = "deepseek2",
             .experts = 6,
             .shared_expert = true,
             .selection_bias = true,
             .latent = TinyLatent::kSplit,
             .keys = add_deepseek2_keys},
    TinyForm{.architecture = "minicpm3", .latent = TinyLatent::kFused, .keys = add_latent_keys},
    TinyForm{.architecture = "plm", .gated = false, .latent = TinyLatent::kFused, .keys = add_latent_keys},
    TinyForm{.architecture = "bert",
             .norms = TinyNorms::kSums,
             .layer_norm = true,
             .norm_bias = true,
             .qkv_bias = true,
             .other_biases = true,
             .gated = false,
             .learned_positions = true,
             .output_norm = "token_embd_norm",
             .keys = encoder_keys},
    TinyForm{.architecture = "nomic-bert",
             .norms = TinyNorms::kSums,
             .layer_norm = true,
             .norm_bias = true,
             .fused_qkv = true,
             .output_norm = "token_embd_norm",
             .keys = encoder_keys},
    TinyForm{.architecture = "gemma-embedding",
             .norms = TinyNorms::kBeforeAndAfter,
             .qk_norm = TinyQkNorm::kHead,
             .scales_embedding = true,
             .keys = encoder_keys},
    TinyForm{.architecture = "ernie4_5-moe",
             .experts = 6,
             .shared_expert = true,
             .selection_bias = true,
             .keys = ernie_keys},
    TinyForm{.architecture = "granitemoe", .experts = 6, .keys = granite_keys},
    TinyForm{.architecture = "gpt-oss",
             .norms = TinyNorms::kPostAttention,
             .qkv_bias = true,
             .other_biases = true,
             .experts = 6,
             .sinks = true},
    TinyForm{.architecture = "seed_oss", .norms = TinyNorms::kPostAttention, .qkv_bias = true},
    TinyForm{.architecture = "gemma", .scales_embedding = true},
    TinyForm{
        .architecture = "gemma2", .norms = TinyNorms::kBeforeAndAfter, .scales_embedding = true, .keys = gemma2_keys},
    TinyForm{.architecture = "phi2",
             .norms = TinyNorms::kOne,
             .layer_norm = true,
             .norm_bias = true,
             .qkv_bias = true,
             .other_biases = true,
             .gated = false,
             .output_bias = true},
    TinyForm{.architecture = "phi3", .fused_qkv = true, .fused_gate_up = true},
    TinyForm{.architecture = "glm4", .norms = TinyNorms::kBeforeAndAfter, .fused_gate_up = true},
    TinyForm{.architecture = "olmo2", .norms = TinyNorms::kAfter, .qk_norm = TinyQkNorm::kWhole},
    TinyForm{.architecture = "exaone4", .norms = TinyNorms::kAfter, .qk_norm = TinyQkNorm::kHead},
    TinyForm{.architecture = "granite", .keys = granite_keys},
    TinyForm{.architecture = "minicpm", .keys = minicpm_keys},
    TinyForm{.architecture = "mistral3", .keys = mistral3_keys},
    TinyForm{.architecture = "falcon",
             .norms = TinyNorms::kOne,
             .layer_norm = true,
             .norm_bias = true,
             .fused_qkv = true,
             .gated = false},
    TinyForm{.architecture = "stablelm", .layer_norm = true, .norm_bias = true},
    TinyForm{.architecture = "gpt2",
             .layer_norm = true,
             .norm_bias = true,
             .qkv_bias = true,
             .other_biases = true,
             .fused_qkv = true,
             .gated = false,
             .learned_positions = true},
    TinyForm{.architecture = "nemotron", .layer_norm = true, .norm_bias = true, .gated = false},
    TinyForm{
        .architecture = "nemotron_h", .gated = false, .recurrent = TinyRecurrent::kBlocks, .keys = nemotron_h_keys},
    TinyForm{.architecture = "nemotron_h_moe",
             .gated = false,
             .experts = 6,
             .shared_expert = true,
             .selection_bias = true,
             .recurrent = TinyRecurrent::kBlocks,
             .keys = nemotron_h_moe_keys},
    TinyForm{.architecture = "olmo", .norms = TinyNorms::kPlain, .layer_norm = true, .keys = olmo_keys},
    TinyForm{.architecture = "mamba2", .recurrent = TinyRecurrent::kAlone},
    TinyForm{.architecture = "granitehybrid",
             .experts = 6,
             .shared_expert = true,
             .recurrent = TinyRecurrent::kStateSpace,
             .keys = granite_hybrid_keys},
    TinyForm{.architecture = "lfm2",
             .qk_norm = TinyQkNorm::kHead,
             .recurrent = TinyRecurrent::kConvolution,
             .output_norm = "token_embd_norm"},
    TinyForm{.architecture = "lfm2moe",
             .qk_norm = TinyQkNorm::kHead,
             .experts = 6,
             .selection_bias = true,
             .recurrent = TinyRecurrent::kConvolution,
             .output_norm = "token_embd_norm",
             .keys = lfm2moe_keys},
    TinyForm{.architecture = "glm4moe",
             .norms = TinyNorms::kPostAttention,
             .experts = 6,
             .shared_expert = true,
             .selection_bias = true,
             .keys = glm4moe_keys},
    TinyForm{.architecture = "qwen3next",
             .norms = TinyNorms::kPostAttention,
             .qk_norm = TinyQkNorm::kHead,
             .experts = 6,
             .shared_expert = true,
             .shared_gate = true,
             .query_gate = true,
             .recurrent = TinyRecurrent::kDeltaFused,
             .keys = qwen_next_keys},
    TinyForm{.architecture = "qwen35",
             .norms = TinyNorms::kPostAttention,
             .qk_norm = TinyQkNorm::kHead,
             .query_gate = true,
             .recurrent = TinyRecurrent::kDelta,
             .keys = qwen35_keys},
    TinyForm{.architecture = "qwen35moe",
             .norms = TinyNorms::kPostAttention,
             .qk_norm = TinyQkNorm::kHead,
             .experts = 6,
             .shared_expert = true,
             .shared_gate = true,
             .query_gate = true,
             .recurrent = TinyRecurrent::kDelta,
             .keys = qwen35moe_keys},
};
constexpr TinyForm kLlama;

}  // namespace

const TinyForm& tiny_form(std::string_view architecture) {
  for (const TinyForm& form : kForms) {
    if (form.architecture == architecture) return form;
  }
  return kLlama;
}

}  // namespace pith::test
