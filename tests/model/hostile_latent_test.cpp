#include <cstdint>
#include <string>

#include "model/hostile.h"

// What a file states about a latent that heads share.
namespace pith::test {
namespace {

TinyModelSpec split() {
  TinyModelSpec spec{.architecture = "deepseek2", .heads = 2, .kv_heads = 2, .head_size = 48};
  spec.value_size = 32;
  spec.query_latent = 32;
  spec.experts = 4;
  return spec;
}

std::string deepseek(const char* name) { return std::string("deepseek2.") + name; }

TEST(HostileLatent, SizesOfTheLatent) {
  const TinyModelSpec spec = split();
  for (const char* name : {"attention.kv_lora_rank", "attention.q_lora_rank", "attention.value_length_mla"}) {
    EXPECT_TRUE(refused(spec, without_key(deepseek(name)), kFormat, {name, "missing"}));
    EXPECT_TRUE(refused(spec, set_key(deepseek(name), 0U), kFormat, {name, "is 0"}));
    EXPECT_TRUE(refused(spec, set_key(deepseek(name), 1U << 31), kFormat, {name, "2147483648"}));
  }
  const std::string rank = deepseek("attention.kv_lora_rank");
  EXPECT_TRUE(refused(spec, set_key(rank, 40U), ErrorKind::kUnsupported, {rank, "is 40", "multiple of 16"}));
  EXPECT_TRUE(refused(spec, set_key(rank, 1024U), ErrorKind::kUnsupported, {rank, "is 1024", "at most 1024"}));
  EXPECT_TRUE(refused(spec, set_key(rank, 48U), kFormat, {"attn_kv_a_mqa.weight", "[64, 80]", "[64, 64]"}));
}

TEST(HostileLatent, SizesOfHeads) {
  const TinyModelSpec spec = split();
  const std::string key = deepseek("attention.key_length_mla");
  EXPECT_TRUE(refused(spec, set_key(key, 16U), kFormat, {key, "is 16", "rope.dimension_count 16"}));
  EXPECT_TRUE(refused(spec, set_key(key, 40U), ErrorKind::kUnsupported, {key, "is 40", "multiple of 16"}));
  EXPECT_TRUE(refused(spec, set_key(key, 64U), kFormat, {"attn_q_b.weight"}));
  EXPECT_TRUE(refused(spec, set_key(deepseek("rope.dimension_count"), 24U), ErrorKind::kUnsupported,
                      {"rope.dimension_count", "is 24", "multiple of 16"}));
  EXPECT_TRUE(refused(spec, set_key(deepseek("attention.value_length_mla"), 48U), kFormat, {"attn_v_b.weight"}));
  // Nothing goes by what the usual keys state of what is cached.
  expect_usable(spec, set_key(deepseek("attention.value_length"), 32U));
}

TEST(HostileLatent, OneTensorOfKeysAndValues) {
  TinyModelSpec spec{.architecture = "plm", .heads = 4, .kv_heads = 4, .head_size = 48};
  spec.value_size = 32;
  expect_usable(spec, [](GgufWriter&) {});
  EXPECT_TRUE(refused(spec, set_key("plm.attention.value_length", 48U), kFormat, {"attn_kv_b.weight"}));
  EXPECT_TRUE(refused(spec, set_key("plm.attention.kv_lora_rank", 32U), kFormat, {"attn_kv_a_mqa.weight"}));
  EXPECT_TRUE(refused(spec, set_key("plm.attention.key_length", 16U), kFormat, {"is 16", "rope.dimension_count"}));
}

}  // namespace
}  // namespace pith::test
