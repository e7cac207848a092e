#include <cstdint>
#include <string>
#include <vector>

#include "model/hostile.h"

// What a Gemma 4 file states about its layers.
namespace pith::test {
namespace {

TinyModelSpec shared_caches() {
  TinyModelSpec spec{.architecture = "gemma4", .layers = 6, .heads = 4, .kv_heads = 1, .head_size = 32};
  spec.sliding_window = 40;
  spec.sharing_layers = 3;
  spec.layer_embedding = 16;
  return spec;
}

TinyModelSpec mixture() {
  TinyModelSpec spec{.architecture = "gemma4", .layers = 3, .heads = 4, .kv_heads = 1, .head_size = 32};
  spec.sliding_window = 40;
  spec.experts = 4;
  return spec;
}

ModelChange with_vector(const std::string& name, std::size_t length) {
  return [=](GgufWriter& writer) { writer.add_tensor(name, {length}, std::vector<float>(length, 1.0F)); };
}

TEST(HostileGemma4, LayersThatShareKeysAndValues) {
  const TinyModelSpec spec = shared_caches();
  const std::string key = "gemma4.attention.shared_kv_layers";
  EXPECT_TRUE(refused(spec, set_key(key, 6U), kFormat, {key, "is 6", "below the 6 layers"}));
  EXPECT_TRUE(refused(spec, set_key(key, 1U << 31), kFormat, {key, "2147483648"}));
  // Then layer 2, the first global one, has none to share with.
  EXPECT_TRUE(refused(spec, set_key(key, 4U), kFormat, {key, "is 4", "layer 2", "window 0"}));
  EXPECT_TRUE(refused(spec, set_key(key, 0U), kFormat, {"blk.3.attn_k.weight"}));
  EXPECT_TRUE(
      refused(spec, set_list("gemma4.attention.head_count_kv", {2, 2, 1, 4, 2, 1}), kFormat, {key, "4 KV heads"}));
  // Files may hold matrices that nothing reads.
  expect_usable(spec, with_vector("blk.4.attn_k_norm.weight", 16));
  EXPECT_TRUE(refused(spec, with_vector("blk.4.attn_x.weight", 16), kUnsupported, {"blk.4.attn_x.weight"}));
}

TEST(HostileGemma4, SizesByLayer) {
  const TinyModelSpec spec = shared_caches();
  EXPECT_TRUE(
      refused(spec, set_list("gemma4.attention.head_count_kv", {2, 2, 0, 2, 2, 1}), kFormat, {"has 0, allowed are 1"}));
  EXPECT_TRUE(
      refused(spec, set_list("gemma4.attention.head_count_kv", {2, 2, 3, 2, 2, 1}), kFormat, {"must be a multiple"}));
  EXPECT_TRUE(refused(spec, set_list("gemma4.attention.head_count_kv", {2, 2}), kFormat, {"2 entries"}));
  EXPECT_TRUE(
      refused(spec, set_list("gemma4.feed_forward_length", {128, 128, 128, 128, 256, -1}), kFormat, {"has -1"}));
  EXPECT_TRUE(refused(spec, set_list("gemma4.feed_forward_length", {128, 128, 128, 128, 256, 256}), kFormat,
                      {"blk.3.ffn", "the hyper-parameters want"}));
  EXPECT_TRUE(
      refused(spec, set_list("gemma4.attention.sliding_window_pattern", {1, 1, 2, 1, 1, 0}), kFormat, {"is 2"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.attention.key_length_swa", 24U), kUnsupported, {"multiple of 16"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.attention.key_length_swa", 1040U), kUnsupported, {"is 1040"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.attention.value_length_swa", 32U), kFormat, {"blk.0.attn_v.weight"}));
  // Layers without a window take their values from keys then, others do not.
  expect_usable(spec, without_tensor("blk.2.attn_v.weight"));
  EXPECT_TRUE(refused(spec, without_tensor("blk.0.attn_v.weight"), kFormat, {"blk.0.attn_v.weight", "missing"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.rope.dimension_count_swa", 15U), kFormat, {"is 15, must be even"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.rope.dimension_count_swa", 18U), kFormat, {"is 18"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.rope.freq_base_swa", 0.0F), kFormat, {"freq_base_swa"}));
}

TEST(HostileGemma4, EmbeddingsByLayer) {
  const TinyModelSpec spec = shared_caches();
  const std::string key = "gemma4.embedding_length_per_layer_input";
  EXPECT_TRUE(refused(spec, set_key(key, 32U), kFormat, {"per_layer_token_embd.weight", "192"}));
  EXPECT_TRUE(refused(spec, set_key(key, 1U << 30), kFormat, {key, "1073741824"}));
  EXPECT_TRUE(refused(spec, set_key(key, 0U), kUnsupported, {"per_layer_token_embd.weight"}));
  for (const std::string name :
       {"per_layer_token_embd.weight", "per_layer_model_proj.weight", "per_layer_proj_norm.weight",
        "blk.2.inp_gate.weight", "blk.2.proj.weight", "blk.2.post_norm.weight"})
    EXPECT_TRUE(refused(spec, without_tensor(name), kFormat, {name}));
  expect_usable(spec, without_tensor("blk.2.layer_output_scale.weight"));
}

TEST(HostileGemma4, Experts) {
  const TinyModelSpec spec = mixture();
  expect_usable(spec, [](GgufWriter&) {});
  expect_usable(spec, without_tensor("blk.1.ffn_down_exps.scale"));
  for (const std::string name : {"ffn_gate_inp.scale", "ffn_down_exps.weight", "pre_ffw_norm_2.weight",
                                 "post_ffw_norm_1.weight", "post_ffw_norm_2.weight", "ffn_up.weight"})
    EXPECT_TRUE(refused(spec, without_tensor("blk.1." + name), kFormat, {"blk.1." + name}));
  EXPECT_TRUE(refused(spec, without_tensor("blk.1.ffn_gate_up_exps.weight"), kFormat, {"blk.1.ffn_gate_exps.weight"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.expert_count", 5U), kFormat, {"ffn_gate_inp.weight"}));
  EXPECT_TRUE(refused(spec, set_key("gemma4.expert_used_count", 5U), kFormat, {"expert_used_count", "is 5"}));
}

}  // namespace
}  // namespace pith::test
