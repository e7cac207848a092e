#include "support/tiny_latent.h"

#include <cstdint>

#include "support/tiny_form.h"

namespace pith::test {
namespace {

std::size_t value_size_of(const TinyModelSpec& spec) { return spec.value_size == 0 ? spec.head_size : spec.value_size; }

}  // namespace

bool has_latent(const TinyModelSpec& spec) { return tiny_form(spec.architecture).latent != TinyLatent::kNone; }

void add_latent_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  const auto number = [&](const char* name, std::size_t value) {
    writer.remove(spec.architecture + name).add(spec.architecture + name, static_cast<std::uint32_t>(value));
  };
  number(".attention.kv_lora_rank", spec.latent);
  if (spec.query_latent != 0) number(".attention.q_lora_rank", spec.query_latent);
  if (tiny_form(spec.architecture).latent == TinyLatent::kFused) return;
  number(".attention.head_count_kv", 1);
  number(".attention.key_length", spec.latent + kTinyRotated);
  number(".attention.value_length", spec.latent);
  number(".attention.key_length_mla", spec.head_size);
  number(".attention.value_length_mla", value_size_of(spec));
}

void add_deepseek2_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  const auto add = [&](const char* name, auto value) { writer.add(spec.architecture + name, value); };
  add_latent_keys(writer, spec);
  add(".leading_dense_block_count", static_cast<std::uint32_t>(spec.dense_layers));
  add(".expert_shared_count", static_cast<std::uint32_t>(spec.shared_expert / spec.feed_forward));
  add(".expert_weights_scale", 1.5F);
  add(".expert_gating_func", 2U);
  add(".expert_weights_norm", true);
  if (spec.rope == TinyRope::kYarn) add(".rope.scaling.yarn_log_multiplier", 0.08F);
  if (spec.expert_groups == 0) return;
  add(".expert_group_count", static_cast<std::uint32_t>(spec.expert_groups));
  add(".expert_group_used_count", 2U);
}

void add_latent_attention(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix) {
  const std::size_t plain = spec.head_size - kTinyRotated;
  const std::size_t value = value_size_of(spec);
  if (spec.query_latent == 0) {
    make.matrix(prefix + "attn_q.weight", spec.heads * spec.head_size, spec.embedding);
  } else {
    make.matrix(prefix + "attn_q_a.weight", spec.query_latent, spec.embedding);
    make.vector(prefix + "attn_q_a_norm.weight", spec.query_latent);
    make.matrix(prefix + "attn_q_b.weight", spec.heads * spec.head_size, spec.query_latent);
  }
  make.matrix(prefix + "attn_kv_a_mqa.weight", spec.latent + kTinyRotated, spec.embedding);
  make.vector(prefix + "attn_kv_a_norm.weight", spec.latent);
  if (tiny_form(spec.architecture).latent == TinyLatent::kFused) {
    make.matrix(prefix + "attn_kv_b.weight", spec.heads * (plain + value), spec.latent);
  } else {
    make.experts(prefix + "attn_k_b.weight", spec.heads, spec.latent, plain);
    make.experts(prefix + "attn_v_b.weight", spec.heads, value, spec.latent);
  }
  make.matrix(prefix + "attn_output.weight", spec.embedding, spec.heads * value);
}

}  // namespace pith::test
