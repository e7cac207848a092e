#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/hostile.h"

// What a file states about its recurrent layers.
namespace pith::test {
namespace {

TEST(HostileRecurrentKeys, SizesOfStates) {
  for (const std::string architecture : {"qwen35", "granitehybrid", "mamba2"}) {
    const TinyModelSpec spec{.architecture = architecture};
    for (const std::string name :
         {"ssm.conv_kernel", "ssm.inner_size", "ssm.state_size", "ssm.time_step_rank", "ssm.group_count"}) {
      const std::string key = fmt::format("{}.{}", architecture, name);
      EXPECT_TRUE(refused(spec, without_key(key), kFormat, {key, "missing"}));
      EXPECT_TRUE(refused(spec, set_key(key, 0U), kFormat, {key, "is 0"}));
      EXPECT_TRUE(refused(spec, set_key(key, 1U << 30), kFormat, {key, "1073741824"}));
      EXPECT_TRUE(refused(spec, set_key(key, 4.0F), kFormat, {key, "integer"}));
    }
    EXPECT_TRUE(refused(spec, set_key(architecture + ".ssm.conv_kernel", 1U), kFormat, {"is 1", "2 to 16"}));
    EXPECT_TRUE(refused(spec, set_key(architecture + ".ssm.conv_kernel", 3U), kFormat, {"ssm_conv1d.weight"}));
    EXPECT_TRUE(refused(spec, set_key(architecture + ".ssm.group_count", 3U), kFormat, {"is 3, must divide"}));
    EXPECT_TRUE(refused(spec, set_key(architecture + ".ssm.time_step_rank", 6U), kFormat, {"must divide"}));
    EXPECT_TRUE(refused(spec, set_key(architecture + ".ssm.state_size", 24U), kUnsupported, {"multiple of 16"}));
    EXPECT_TRUE(refused(spec, set_key(architecture + ".ssm.inner_size", 32U), kUnsupported, {"multiple of 16"}));
  }
  const TinyModelSpec spec{.architecture = "lfm2"};
  EXPECT_TRUE(refused(spec, without_key("lfm2.shortconv.l_cache"), kFormat, {"shortconv.l_cache", "missing"}));
  EXPECT_TRUE(refused(spec, set_key("lfm2.shortconv.l_cache", 1U), kFormat, {"is 1", "2 to 16"}));
  EXPECT_TRUE(refused(spec, set_key("lfm2.shortconv.l_cache", 17U), kFormat, {"is 17"}));
}

TEST(HostileRecurrentKeys, WhichLayersAreRecurrent) {
  const TinyModelSpec spec{.architecture = "qwen35"};
  const std::string list = "qwen35.attention.recurrent_layers";
  expect_usable(spec, set_list(list, {1, 0}));
  EXPECT_TRUE(refused(spec, set_list(list, {1}), kFormat, {list, "1 entries"}));
  EXPECT_TRUE(refused(spec, set_list(list, {1, 2}), kFormat, {list, "has 2"}));
  EXPECT_TRUE(refused(spec, set_list(list, {0, 1}), kFormat, {"blk.0.attn_qkv.weight"}));
  EXPECT_TRUE(refused(spec, set_key("qwen35.full_attention_interval", 0U), kFormat, {"is 0"}));
  const TinyModelSpec lfm2{.architecture = "lfm2"};
  const std::string heads = "lfm2.attention.head_count_kv";
  EXPECT_TRUE(refused(lfm2, set_list(heads, {0, -1}), kFormat, {heads, "has -1"}));
  EXPECT_TRUE(refused(lfm2, set_list(heads, {0, 2, 2}), kFormat, {heads, "3 entries"}));
  EXPECT_TRUE(refused(lfm2, set_list(heads, {1, 2}), kUnsupported, {heads, "1 and 2"}));
  EXPECT_TRUE(refused(lfm2, set_list(heads, {0, 3}), kFormat, {"attention.head_count"}));
}

TEST(HostileRecurrentKeys, LayersThatDraft) {
  const TinyModelSpec spec{.architecture = "qwen35", .layers = 4};
  const std::string key = "qwen35.nextn_predict_layers";
  // The last layer's tensors are there and are passed over.
  expect_usable(spec, set_key(key, 1U));
  EXPECT_TRUE(refused(spec, set_key(key, 4U), kFormat, {key, "is 4", "block_count 4"}));
  EXPECT_TRUE(refused(spec, set_key(key, 1U << 31), kFormat, {key}));
  EXPECT_TRUE(refused(spec,
                      [&](GgufWriter& writer) {
                        writer.remove(key).add(key, 1U).add_tensor("blk.4.extra", {1}, std::vector<float>{1.0F});
                      },
                      kUnsupported, {"blk.4.extra"}));
}

TEST(HostileRecurrentTensors, MissingAndMisshapen) {
  for (const std::string name : {"attn_qkv.weight", "attn_gate.weight", "ssm_alpha.weight", "ssm_beta.weight", "ssm_a",
                                 "ssm_dt.bias", "ssm_norm.weight", "ssm_conv1d.weight", "ssm_out.weight"}) {
    EXPECT_TRUE(
        refused({.architecture = "qwen35"}, without_tensor("blk.0." + name), kFormat, {"blk.0." + name, "missing"}));
  }
  for (const std::string name : {"ssm_in.weight", "ssm_a", "ssm_d", "ssm_dt.bias", "ssm_norm.weight"}) {
    EXPECT_TRUE(
        refused({.architecture = "mamba2"}, without_tensor("blk.1." + name), kFormat, {"blk.1." + name, "missing"}));
  }
  for (const std::string name : {"shortconv.conv.weight", "shortconv.in_proj.weight", "shortconv.out_proj.weight"}) {
    EXPECT_TRUE(
        refused({.architecture = "lfm2"}, without_tensor("blk.0." + name), kFormat, {"blk.0." + name, "missing"}));
  }
  const auto transposed = [](GgufWriter& writer) {
    for (auto& tensor : writer.tensors) {
      if (tensor.name == "blk.0.ssm_conv1d.weight") std::swap(tensor.dims[0], tensor.dims[1]);
    }
  };
  EXPECT_TRUE(refused({.architecture = "mamba2"}, transposed, kFormat, {"blk.0.ssm_conv1d.weight"}));
}

}  // namespace
}  // namespace pith::test
