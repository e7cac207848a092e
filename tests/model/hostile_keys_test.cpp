#include <cmath>
#include <limits>

#include "model/hostile.h"

// What a file states about its model: each key that is read, with values that no model can have.
namespace pith::test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string key_of(const char* architecture, const char* name) { return std::string(architecture) + "." + name; }

TEST(HostileKeys, MissingKeys) {
  for (const char* architecture : architectures()) {
    const TinyModelSpec spec{.architecture = architecture};
    for (const char* name : {"block_count", "embedding_length", "context_length", "feed_forward_length",
                             "attention.head_count", epsilon_of(architecture)}) {
      const std::string key = key_of(architecture, name);
      EXPECT_TRUE(refused(spec, without_key(key), kFormat, {key, "missing"}));
    }
    EXPECT_TRUE(refused(spec, without_key("general.architecture"), kFormat, {"general.architecture", "missing"}));
    EXPECT_TRUE(refused(spec, without_key("tokenizer.ggml.model"), kFormat, {"tokenizer.ggml.model", "missing"}));
    EXPECT_TRUE(refused(spec, without_key("tokenizer.ggml.tokens"), kFormat, {"tokenizer.ggml.tokens", "missing"}));
  }
}

TEST(HostileKeys, WrongTypesOfKeysThatAreRead) {
  TinyModelSpec gemma{.architecture = "gemma3"};
  gemma.sliding_window = 32;
  for (const char* architecture : architectures()) {
    const TinyModelSpec spec = std::string(architecture) == "gemma3" ? gemma : TinyModelSpec{architecture};
    for (const char* name :
         {"block_count", "embedding_length", "context_length", "feed_forward_length", "attention.head_count",
          "attention.head_count_kv", "attention.key_length", "attention.value_length", "rope.dimension_count",
          "rope.scaling.original_context_length", "vocab_size", "expert_count"}) {
      const std::string key = key_of(architecture, name);
      EXPECT_TRUE(refused(spec, set_key(key, 2.0F), kFormat, {key, "float32 2", "integer"}));
      EXPECT_TRUE(refused(spec, set_key(key, "2"), kFormat, {key, "string", "integer"}));
      EXPECT_TRUE(refused(spec, set_key(key, true), kFormat, {key, "bool", "integer"}));
    }
    for (const char* name : {epsilon_of(architecture), "rope.freq_base", "rope.scaling.factor", "rope.scale_linear"}) {
      const std::string key = key_of(architecture, name);
      EXPECT_TRUE(refused(spec, set_key(key, std::uint32_t{1}), kFormat, {key, "uint32 1", "float"}));
      EXPECT_TRUE(refused(spec, set_key(key, "1.0"), kFormat, {key, "string", "float"}));
    }
    EXPECT_TRUE(refused(spec, set_key(key_of(architecture, "rope.scaling.type"), 1.0F), kFormat, {"string"}));
  }
  for (const char* name : {"attention.sliding_window", "attention.sliding_window_pattern"}) {
    EXPECT_TRUE(refused(gemma, set_key(key_of("gemma3", name), 6.0F), kFormat, {name, "float32"}));
  }
  for (const char* name : {"rope.freq_base_swa", "final_logit_softcapping"}) {
    EXPECT_TRUE(refused(gemma, set_key(key_of("gemma3", name), std::uint32_t{30}), kFormat, {name, "uint32"}));
  }
  for (const char* key : {"general.architecture", "general.name", "tokenizer.ggml.model", "tokenizer.ggml.pre",
                          "tokenizer.chat_template"}) {
    EXPECT_TRUE(refused({}, set_key(key, std::uint32_t{1}), kFormat, {key, "uint32 1", "string"}));
  }
  for (const char* key :
       {"tokenizer.ggml.tokens", "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.merges"}) {
    EXPECT_TRUE(refused({}, set_key(key, std::uint32_t{1}), kFormat, {key, "uint32 1", "array"}));
  }
  for (const char* key : {"tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token",
                          "tokenizer.ggml.add_space_prefix", "tokenizer.ggml.remove_extra_whitespaces"}) {
    EXPECT_TRUE(refused({}, set_key(key, std::uint32_t{1}), kFormat, {key, "uint32 1", "bool"}));
  }
  for (const char* key : {"tokenizer.ggml.bos_token_id", "tokenizer.ggml.padding_token_id"}) {
    EXPECT_TRUE(refused({}, set_key(key, 1.0F), kFormat, {key, "float32 1", "integer"}));
  }
}

TEST(HostileKeys, CountsOutOfRange) {
  const std::pair<const char*, std::uint64_t> limits[] = {{"block_count", 1024},
                                                          {"embedding_length", 1 << 20},
                                                          {"feed_forward_length", 1 << 20},
                                                          {"attention.head_count", 1 << 20},
                                                          {"attention.head_count_kv", 1 << 20},
                                                          {"context_length", 1 << 30},
                                                          {"rope.dimension_count", 1 << 20},
                                                          {"attention.key_length", 1 << 20}};
  for (const auto& [name, max] : limits) {
    const std::string key = key_of("llama", name);
    EXPECT_TRUE(refused({}, set_key(key, std::uint32_t{0}), kFormat, {key + " is 0", std::to_string(max)}));
    EXPECT_TRUE(refused({}, set_key(key, max + 1), kFormat, {std::to_string(max + 1), std::to_string(max)}));
    EXPECT_TRUE(refused({}, set_key(key, ~std::uint64_t{0}), kFormat, {"18446744073709551615"}));
    EXPECT_TRUE(refused({}, set_key(key, std::int32_t{-1}), kFormat, {key, "int32 -1"}));
  }
}

TEST(HostileKeys, CountsByLayer) {
  for (const char* name : {"attention.head_count", "attention.head_count_kv", "feed_forward_length"}) {
    const std::string key = key_of("llama", name);
    const auto set = [&](const std::vector<std::int32_t>& values) {
      return [=](GgufWriter& writer) { writer.remove(key).add_array(key, values); };
    };
    const std::int32_t right = key.ends_with("kv") ? 2 : key.ends_with("head_count") ? 4 : 128;
    expect_usable({}, set({right, right}));
    EXPECT_TRUE(refused({}, set({}), kFormat, {key + " has 0 entries", "2 layers"}));
    EXPECT_TRUE(refused({}, set({right}), kFormat, {key + " has 1 entries", "2 layers"}));
    EXPECT_TRUE(refused({}, set({-1, -1}), kFormat, {key, "-1"}));
    EXPECT_TRUE(refused({}, set({0, 0}), kFormat, {key, "0"}));
    EXPECT_TRUE(refused({}, set({right, 1}), ErrorKind::kUnsupported, {key, "differs by layer"}));
  }
  const auto array = [](GgufWriter& w) {
    w.remove("llama.block_count").add_array("llama.block_count", std::vector<std::int32_t>{2});
  };
  EXPECT_TRUE(refused({}, array, kFormat, {"llama.block_count", "array"}));
}

TEST(HostileKeys, HeadsThatDoNotDivide) {
  const std::string heads = "llama.attention.head_count";
  EXPECT_TRUE(refused({}, set_key(heads + "_kv", std::uint32_t{3}), kFormat, {heads + " is 4", "head_count_kv 3"}));
  EXPECT_TRUE(refused({}, set_key(heads + "_kv", std::uint32_t{8}), kFormat, {heads + " is 4", "head_count_kv 8"}));
  const auto without_sizes = [&](std::uint32_t count) {
    return [=](GgufWriter& w) {
      w.remove("llama.attention.key_length").remove("llama.attention.value_length");
      w.remove(heads).remove(heads + "_kv").add(heads, count);
    };
  };
  EXPECT_TRUE(refused({}, without_sizes(5), kFormat, {heads + " is 5", "embedding_length 64"}));
  EXPECT_TRUE(refused({}, without_sizes(128), kFormat, {heads + " is 128", "embedding_length 64"}));
  EXPECT_TRUE(refused({}, without_sizes(64), ErrorKind::kUnsupported, {"key_length is 1", "multiple of 16"}));
  expect_usable({.kv_heads = 4}, without_sizes(4));
}

TEST(HostileKeys, HeadSizes) {
  for (const char* name : {"attention.key_length", "attention.value_length"}) {
    for (const std::uint32_t size : {1U, 8U, 17U, 24U, 1032U, 1040U}) {
      EXPECT_TRUE(refused({}, set_key(key_of("llama", name), size), ErrorKind::kUnsupported,
                          {name, std::to_string(size), "multiple of 16 up to 1024"}));
    }
  }
}

TEST(HostileKeys, RopeDimensionsOddOrTooMany) {
  for (const char* architecture : architectures()) {
    const std::string key = key_of(architecture, "rope.dimension_count");
    for (const std::uint32_t dims : {1U, 15U, 18U, 32U, 1U << 20}) {
      EXPECT_TRUE(refused({.architecture = architecture}, set_key(key, dims), kFormat,
                          {key, std::to_string(dims), "even", "head size 16"}));
    }
    expect_usable({.architecture = architecture}, set_key(key, std::uint32_t{2}));
  }
}

TEST(HostileKeys, EpsilonZeroNegativeOrNan) {
  for (const char* architecture : architectures()) {
    const std::string key = key_of(architecture, epsilon_of(architecture));
    for (const double value : {0.0, -0.0, -1e-5, kNan, kInfinity, -kInfinity, 1e-300, 1e-20, 1.5, 1e300}) {
      EXPECT_TRUE(refused({.architecture = architecture}, set_key(key, value), kFormat, {key, "1e-12 to 1"}));
    }
    EXPECT_TRUE(refused({.architecture = architecture}, set_key(key, std::nanf("")), kFormat, {key, "nan"}));
    expect_usable({.architecture = architecture}, set_key(key, 1e-12));
  }
}

TEST(HostileKeys, FrequencyBaseZeroNegativeOrNan) {
  for (const char* architecture : architectures()) {
    TinyModelSpec spec{.architecture = architecture};
    if (spec.architecture == "gemma3") spec.sliding_window = 32;
    std::vector<std::string> keys = {key_of(architecture, "rope.freq_base")};
    if (spec.architecture == "gemma3") keys.emplace_back("gemma3.rope.freq_base_swa");
    for (const std::string& key : keys) {
      for (const double value : {0.0, -1.0, 1.0, 0.5, kNan, kInfinity, -kInfinity, 1e-300, 1e300}) {
        EXPECT_TRUE(refused(spec, set_key(key, value), kFormat, {key, "1.001 to 1000000000000000"}));
      }
    }
  }
}

TEST(HostileKeys, RopeScaling) {
  for (const double value : {0.0, -4.0, kNan, kInfinity, 1e-6, 1e9}) {
    EXPECT_TRUE(refused({.rope = TinyRope::kLinear}, set_key("llama.rope.scaling.factor", value), kFormat,
                        {"llama.rope.scaling.factor", "0.001 to 1000000"}));
    EXPECT_TRUE(refused({}, set_key("llama.rope.scale_linear", value), kFormat, {"llama.rope.scale_linear"}));
    for (const char* name : {"yarn_beta_fast", "yarn_beta_slow", "attn_factor"}) {
      const std::string key = std::string("llama.rope.scaling.") + name;
      EXPECT_TRUE(refused({.rope = TinyRope::kYarn}, set_key(key, value), kFormat, {key}));
    }
  }
  EXPECT_TRUE(refused({.rope = TinyRope::kYarn}, set_key("llama.rope.scaling.yarn_beta_slow", 64.0F), kFormat,
                      {"yarn_beta_fast is 32", "yarn_beta_slow 64"}));
  for (const std::uint32_t context : {0U, (1U << 30) + 1}) {
    EXPECT_TRUE(refused({.rope = TinyRope::kYarn}, set_key("llama.rope.scaling.original_context_length", context),
                        kFormat, {"original_context_length", std::to_string(context)}));
  }
  // Values at the limits of what is allowed lead to no division by zero.
  expect_usable({.rope = TinyRope::kYarn}, set_key("llama.rope.freq_base", 1.001));
  expect_usable({.rope = TinyRope::kYarn}, set_key("llama.rope.scaling.original_context_length", std::uint32_t{1}));
  expect_usable({.rope = TinyRope::kYarn}, set_key("llama.rope.scaling.yarn_beta_slow", 32.0F));
  expect_usable({.rope = TinyRope::kYarn}, set_key("llama.rope.scaling.factor", 1e6F));
}

TEST(HostileKeys, SlidingWindows) {
  const TinyModelSpec spec{.architecture = "gemma3", .layers = 3, .sliding_window = 32};
  const std::string window = "gemma3.attention.sliding_window";
  for (const std::uint64_t value : {(std::uint64_t{1} << 30) + 1, std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    EXPECT_TRUE(refused(spec, set_key(window, value), kFormat, {window, std::to_string(value), "1073741824"}));
  }
  for (const std::uint32_t value : {0U, 1U, 2U, 3U, 63U, 64U, 65U, 1U << 30})
    expect_usable(spec, set_key(window, value));
  const std::string pattern = window + "_pattern";
  const auto set = [&](const std::vector<std::int32_t>& values) {
    return [=](GgufWriter& writer) { writer.add_array(pattern, values); };
  };
  expect_usable(spec, set({1, 0, 1}));
  EXPECT_TRUE(refused(spec, set({1, 0}), kFormat, {pattern, "2 entries", "3 layers"}));
  EXPECT_TRUE(refused(spec, set({1, 2, 0}), kFormat, {pattern + "[1] is 2"}));
  EXPECT_TRUE(refused(spec, set({1, 0, -1}), kFormat, {pattern + "[2] is -1"}));
  for (const std::uint64_t period : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    expect_usable(spec, set_key(pattern, period));
  }
  for (const double cap : {-1.0, kNan, kInfinity, 1e-9, 1e9}) {
    EXPECT_TRUE(refused(spec, set_key("gemma3.final_logit_softcapping", cap), kFormat,
                        {"gemma3.final_logit_softcapping", "0.001 to 1000000"}));
  }
}

TEST(HostileKeys, LogitScale) {
  const TinyModelSpec spec{.architecture = "command-r"};
  EXPECT_TRUE(refused(spec, without_key("command-r.logit_scale"), kFormat, {"command-r.logit_scale", "missing"}));
  for (const double scale : {0.0, -1.0, kNan, kInfinity, 1e9})
    EXPECT_TRUE(refused(spec, set_key("command-r.logit_scale", scale), kFormat, {"command-r.logit_scale", "1e-06 to"}));
}

TEST(HostileKeys, Experts) {
  const TinyModelSpec spec{.architecture = "qwen3moe"};
  const auto key = [](const char* name) { return key_of("qwen3moe", name); };
  for (const char* name : {"expert_count", "expert_used_count"}) {
    EXPECT_TRUE(refused(spec, without_key(key(name)), kFormat, {name, "missing"}));
    EXPECT_TRUE(refused(spec, set_key(key(name), 0U), kFormat, {name, "is 0"}));
    EXPECT_TRUE(refused(spec, set_key(key(name), 1U << 30), kFormat, {name, "1073741824"}));
    EXPECT_TRUE(refused(spec, set_key(key(name), 2.0F), kFormat, {name, "integer"}));
  }
  EXPECT_TRUE(refused(spec, set_key(key("expert_used_count"), 7U), kFormat, {"expert_used_count is 7", "1 to 6"}));
  EXPECT_TRUE(refused(spec, set_key(key("expert_count"), 5U), kFormat, {"ffn_gate_inp.weight"}));
  EXPECT_TRUE(
      refused(spec, set_key(key("expert_gating_func"), 9U), ErrorKind::kUnsupported, {"expert_gating_func is 9"}));
  EXPECT_TRUE(refused(spec, set_key(key("expert_group_count"), 2U), kFormat, {"expert_group_used_count", "missing"}));
  for (const std::uint32_t groups : {4U, 6U, 1U << 31}) {
    EXPECT_TRUE(refused(spec, set_key(key("expert_group_count"), groups), kFormat,
                        {"expert_group_count is " + std::to_string(groups), "6 experts", "at least 2"}));
  }
  const auto groups = [&](std::uint32_t used) {
    return [=](GgufWriter& writer) {
      writer.add(key("expert_group_count"), 3U).add(key("expert_group_used_count"), used);
      writer.remove(key("expert_used_count")).add(key("expert_used_count"), 3U);
    };
  };
  EXPECT_TRUE(refused(spec, groups(0), kFormat, {"expert_group_used_count", "is 0"}));
  EXPECT_TRUE(refused(spec, groups(4), kFormat, {"expert_group_used_count", "is 4", "1 to 3"}));
  EXPECT_TRUE(refused(spec, groups(1), kFormat, {"expert_group_used_count is 1", "2 experts", "3 used"}));
  expect_usable(spec, groups(2));
  EXPECT_TRUE(refused(spec, set_key(key("expert_weights_norm"), 1U), kFormat, {"expert_weights_norm"}));
  for (const float scale : {-1.0F, std::nanf(""), 1e30F})
    EXPECT_TRUE(refused(spec, set_key(key("expert_weights_scale"), scale), kFormat, {"expert_weights_scale"}));
  EXPECT_TRUE(refused(spec, set_key(key("expert_feed_forward_length"), 64U), kFormat, {"ffn_gate_exps.weight"}));
  for (const std::uint32_t gating : {0U, 1U, 2U, 3U}) expect_usable(spec, set_key(key("expert_gating_func"), gating));
  expect_usable(spec, set_key(key("expert_used_count"), 6U));
  const TinyModelSpec shared{.architecture = "qwen2moe"};
  EXPECT_TRUE(refused(shared, set_key("qwen2moe.expert_shared_feed_forward_length", 0U), kFormat,
                      {"expert_shared_feed_forward_length is 0"}));
}

TEST(HostileKeys, Multipliers) {
  const TinyModelSpec granite{.architecture = "granite"};
  for (const char* name : {"logit_scale", "embedding_scale", "residual_scale", "attention.scale"}) {
    for (const float value : {-1.0F, std::nanf(""), 1e30F})
      EXPECT_TRUE(refused(granite, set_key(key_of("granite", name), value), kFormat, {name}));
  }
  EXPECT_TRUE(refused(granite, set_key("granite.logit_scale", 0.0F), kFormat, {"logit_scale is 0"}));
  const TinyModelSpec mistral{.architecture = "mistral3", .rope = TinyRope::kYarn};
  for (const char* name : {"attention.temperature_scale", "rope.scaling.yarn_log_multiplier"}) {
    for (const float value : {-1.0F, std::nanf(""), 1e30F})
      EXPECT_TRUE(refused(mistral, set_key(key_of("mistral3", name), value), kFormat, {name}));
    expect_usable(mistral, set_key(key_of("mistral3", name), 0.0F));
  }
  const TinyModelSpec gemma{.architecture = "gemma2"};
  for (const float value : {-1.0F, std::nanf("")})
    EXPECT_TRUE(refused(gemma, set_key("gemma2.attn_logit_softcapping", value), kFormat, {"attn_logit_softcapping"}));
}

TEST(HostileKeys, LongRope) {
  const TinyModelSpec spec{.architecture = "phi3", .rope = TinyRope::kLong};
  for (const float value : {-1.0F, 0.0F, std::nanf("")})
    EXPECT_TRUE(refused(spec, set_key("phi3.rope.scaling.attn_factor", value), kFormat, {"attn_factor"}));
  for (const char* name : {"rope_factors_long.weight", "rope_factors_short.weight"}) {
    EXPECT_TRUE(refused(spec, set_data(name, 4, 0.0F), kFormat, {name, " at 1,"}));
    const auto without = [&](GgufWriter& w) {
      std::erase_if(w.tensors, [&](const auto& t) { return t.name == name; });
    };
    EXPECT_TRUE(refused(spec, without, kFormat, {"rope_factors_long.weight", "missing"}) ||
                refused(spec, without, kFormat, {"rope_factors_short.weight", "missing"}));
  }
}

TEST(HostileKeys, AbsurdContextsTakeNoMemory) {
  expect_usable({}, set_key("llama.context_length", std::uint32_t{1} << 30));
}

TEST(HostileKeys, VocabularyLengthsThatDiffer) {
  const auto rows = static_cast<std::uint32_t>(tiny_model_writer({}).tensors[0].dims[1]);
  expect_usable({}, set_key("llama.vocab_size", rows));
  EXPECT_TRUE(refused({}, set_key("llama.vocab_size", rows + 1), kFormat,
                      {"llama.vocab_size is " + std::to_string(rows + 1), std::to_string(rows)}));
}

TEST(HostileKeys, NamesThatSteerTerminalsAreEscaped) {
  const std::string name = "mamba\x1b[2J\n\xFF";
  EXPECT_TRUE(refused({}, set_key("general.architecture", name.c_str()), ErrorKind::kUnsupported,
                      {"\"mamba\\x1b[2J\\x0a\\xff\"", "llama"}));
  EXPECT_TRUE(refused({}, set_key("llama.rope.scaling.type", name.c_str()), ErrorKind::kUnsupported,
                      {"\"mamba\\x1b[2J\\x0a\\xff\"", "yarn"}));
  for (const char* key : {"tokenizer.ggml.model", "tokenizer.ggml.pre"}) {
    EXPECT_TRUE(refused({}, set_key(key, name.c_str()), ErrorKind::kUnsupported, {"mamba\\x1b[2J\\x0a\\xff"}));
  }
  EXPECT_TRUE(refused({}, set_key("general.architecture", std::string(1000000, 'x').c_str()), ErrorKind::kUnsupported,
                      {"xxx…"}));
}

}  // namespace
}  // namespace pith::test
