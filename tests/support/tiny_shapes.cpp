#include "support/tiny_shapes.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace pith::test {
namespace {

/// Architectures without experts that came after the first.
std::vector<TinyShape> decoder_shapes() {
  std::vector<TinyShape> all;
  for (const char* name : {"qwen2vl", "qwen3vl", "gemma", "phi2", "phi3", "glm4", "internlm2", "ernie4_5", "granite",
                           "minicpm", "olmo2", "exaone4", "seed_oss", "mistral3", "falcon", "stablelm", "gpt2", "olmo"})
    all.push_back({name, tiny_shape(name, 4, 2, 32)});
  for (TinyShape& shape : all) shape.spec.tied_output = shape.name != "phi2";
  for (const char* name : {"gemma2", "olmo2", "exaone4", "cohere2"}) {
    TinyShape shape{name + std::string("Window"), tiny_shape(name, 4, 2, 32, 40)};
    shape.spec.layers = 5;
    all.push_back(shape);
  }
  TinyShape smollm3{"smollm3", tiny_shape("smollm3", 4, 2, 32)};
  smollm3.spec.layers = 5;
  all.push_back(smollm3);
  TinyShape long_context{"phi3Long", tiny_shape("phi3", 4, 2, 32)};
  long_context.spec.rope = TinyRope::kLong;
  all.push_back(long_context);
  TinyShape short_context = long_context;
  short_context.name = "phi3Short";
  short_context.spec.rope_context = short_context.spec.context;
  all.push_back(short_context);
  all.push_back({"phi3Window", tiny_shape("phi3", 4, 2, 32, 40)});
  TinyShape hot{"mistral3Yarn", tiny_shape("mistral3", 4, 2, 32)};
  hot.spec.rope = TinyRope::kYarn;
  hot.spec.rope_context = 16;
  all.push_back(hot);
  TinyShape scaled{"olmo2WindowYarn", tiny_shape("olmo2", 4, 2, 32, 40)};
  scaled.spec.rope = TinyRope::kYarn;
  scaled.spec.layers = 4;
  all.push_back(scaled);
  return all;
}

std::vector<TinyShape> expert_shapes() {
  std::vector<TinyShape> all;
  for (const char* name : {"qwen3moe", "qwen3vlmoe", "qwen2moe", "olmoe", "ernie4_5-moe", "granitemoe"}) {
    std::string label = name;
    std::replace(label.begin(), label.end(), '-', '_');
    all.push_back({label, tiny_shape(name, 4, 2, 32)});
  }
  TinyShape mixtral{"Mixtral", tiny_shape("llama", 4, 2, 32)};
  mixtral.spec.experts = 5;
  all.push_back(mixtral);
  // More than the experts of a pass have room for.
  TinyShape many{"ManyExperts", tiny_shape("qwen3moe", 4, 2, 32)};
  many.spec.experts = 40;
  many.spec.experts_used = 5;
  all.push_back(many);
  TinyShape dense_first{"deepseek", tiny_shape("deepseek", 4, 2, 32)};
  dense_first.spec.dense_layers = 1;
  all.push_back(dense_first);
  TinyShape oss{"GptOss", tiny_shape("gpt-oss", 4, 2, 32, 40)};
  oss.spec.layers = 3;
  all.push_back(oss);
  return all;
}

std::vector<TinyShape> recurrent_shapes() {
  std::vector<TinyShape> all;
  for (const char* name : {"nemotron", "nemotron_h", "nemotron_h_moe", "mamba2", "granitehybrid", "lfm2", "lfm2moe",
                           "glm4moe", "qwen3next", "qwen35", "qwen35moe"}) {
    all.push_back({name, tiny_shape(name, 4, 2, 32)});
    all.back().spec.tied_output = false;
  }
  for (TinyShape& shape : all) {
    if (shape.name.starts_with("nemotron_h")) shape.spec.layers = 4;
    if (shape.name == "lfm2moe" || shape.name == "glm4moe") shape.spec.dense_layers = 1;
    if (shape.name == "qwen35" || shape.name == "qwen35moe") shape.spec.layers = 4;
    if (shape.name == "lfm2") shape.spec.taps = 3;
  }
  TinyShape wide{"qwen35Wide", tiny_shape("qwen35", 4, 2, 32)};
  wide.spec.state_heads = 6;
  wide.spec.state_key_heads = 3;
  wide.spec.state_values = 48;
  wide.spec.state_keys = 16;
  wide.spec.taps = 2;
  all.push_back(wide);
  TinyShape window{"lfm2Window", tiny_shape("lfm2", 4, 2, 32, 40)};
  window.spec.layers = 4;
  all.push_back(window);
  return all;
}

std::vector<TinyShape> gemma4_shapes() {
  TinyShape shared{"gemma4Shared", tiny_shape("gemma4", 4, 1, 64, 40)};
  shared.spec.layers = 6;
  shared.spec.sharing_layers = 3;
  shared.spec.layer_embedding = 32;
  TinyShape dense{"gemma4Dense", tiny_shape("gemma4", 4, 2, 32, 40)};
  dense.spec.layers = 3;
  dense.spec.values_are_keys = true;
  TinyShape mixture{"gemma4Moe", tiny_shape("gemma4", 4, 1, 64, 40)};
  mixture.spec.layers = 3;
  mixture.spec.experts = 6;
  mixture.spec.values_are_keys = true;
  return {shared, dense, mixture};
}

std::vector<TinyShape> latent_shapes() {
  std::vector<TinyShape> all;
  for (const char* name : {"deepseek2", "minicpm3", "plm"}) {
    all.push_back({name, tiny_shape(name, 4, 4, 48)});
    all.back().spec.value_size = 32;
  }
  all[0].spec.query_latent = 96;
  all[0].spec.dense_layers = 1;
  all[1].spec.query_latent = 96;
  all[1].spec.value_size = 16;
  TinyShape groups{"deepseek2Groups", all[0].spec};
  groups.spec.experts = 8;
  groups.spec.expert_groups = 4;
  groups.spec.rope = TinyRope::kYarn;
  TinyShape lite{"deepseek2Lite", all[0].spec};
  lite.spec.query_latent = 0;
  lite.spec.heads = 2;
  lite.spec.latent = 512;
  lite.spec.value_size = 128;
  all.push_back(groups);
  all.push_back(lite);
  return all;
}

/// Sanitized builds are slow and look for errors in memory. They take one shape of every kind of layer; what the others
/// have beside that are numbers.
bool is_of_a_kind(const TinyShape& shape) {
  static const std::set<std::string> kNames = {"LlamaHead80",   "LlamaWideValues", "Gemma3Window",    "GptneoxSerial",
                                               "CommandR",      "phi3Long",        "mistral3Yarn",    "falcon",
                                               "gpt2",          "ManyExperts",     "GptOss",          "nemotron_h_moe",
                                               "granitehybrid", "lfm2Window",      "qwen3next",       "qwen35Wide",
                                               "gemma4Shared",  "gemma4Moe",       "deepseek2Groups", "minicpm3"};
  return kNames.contains(shape.name);
}

}  // namespace

TinyModelSpec tiny_shape(const std::string& architecture, std::size_t heads, std::size_t kv_heads,
                         std::size_t head_size, std::size_t window) {
  TinyModelSpec spec;
  spec.architecture = architecture;
  spec.heads = heads;
  spec.kv_heads = kv_heads;
  spec.head_size = head_size;
  spec.sliding_window = window;
  spec.layers = architecture == "gemma3" ? 7 : 2;
  return spec;
}

std::vector<TinyShape> tiny_shapes() {
  std::vector<TinyShape> all = {
      {"LlamaGqa", tiny_shape("llama", 4, 2, 16)},      {"LlamaMha", tiny_shape("llama", 4, 4, 32)},
      {"LlamaMqa", tiny_shape("llama", 4, 1, 64)},      {"LlamaHead80", tiny_shape("llama", 4, 2, 80)},
      {"LlamaHead128", tiny_shape("llama", 2, 1, 128)}, {"Qwen2", tiny_shape("qwen2", 4, 2, 32)},
      {"Qwen3", tiny_shape("qwen3", 4, 2, 48)},         {"Gemma3Window", tiny_shape("gemma3", 4, 1, 32, 40)},
      {"Gemma3Global", tiny_shape("gemma3", 4, 2, 32)},
  };
  for (const auto rope : {TinyRope::kLinear, TinyRope::kLlama3, TinyRope::kYarn}) {
    TinyModelSpec spec = tiny_shape("llama", 4, 2, 32);
    spec.rope = rope;
    all.push_back({"LlamaRope" + std::to_string(static_cast<int>(rope)), spec});
  }
  TinyModelSpec untied = tiny_shape("llama", 4, 2, 32);
  untied.tied_output = false;
  all.push_back({"LlamaUntied", untied});
  TinyModelSpec wide_values = tiny_shape("llama", 4, 2, 32);
  wide_values.value_size = 48;
  all.push_back({"LlamaWideValues", wide_values});
  for (const char* architecture : {"starcoder2", "gptneox", "command-r"}) {
    const std::string name = architecture == std::string("command-r") ? "CommandR" : architecture;
    all.push_back({name, tiny_shape(architecture, 4, 2, 32)});
  }
  TinyModelSpec serial = tiny_shape("gptneox", 4, 4, 32);
  serial.parallel = false;
  serial.value_size = 16;
  all.push_back({"GptneoxSerial", serial});
  for (const std::vector<TinyShape>& more :
       {decoder_shapes(), expert_shapes(), recurrent_shapes(), gemma4_shapes(), latent_shapes()})
    all.insert(all.end(), more.begin(), more.end());
  if (PITH_SANITIZED != 0) std::erase_if(all, [](const TinyShape& shape) { return !is_of_a_kind(shape); });
  return all;
}

std::vector<TinyShape> tiny_encoders() {
  TinyShape gemma{"gemma_embedding", tiny_shape("gemma-embedding", 4, 1, 32, 22)};
  gemma.spec.layers = 7;
  return {{"bert", tiny_shape("bert", 4, 4, 32)}, {"nomic_bert", tiny_shape("nomic-bert", 4, 4, 32)}, gemma};
}

}  // namespace pith::test
