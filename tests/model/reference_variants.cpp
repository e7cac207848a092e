#include "model/reference_variants.h"

#include <cstring>
#include <map>

#include "support/random_weights.h"
#include "support/tiny_shapes.h"

namespace pith::test {
namespace {

constexpr std::size_t kWindow = 40;

TinyModelSpec gemma(std::size_t window = kWindow) { return tiny_shape("gemma3", 4, 2, 32, window); }

TinyModelSpec roped(const std::string& architecture, TinyRope rope, std::size_t context = 1024) {
  TinyModelSpec spec = tiny_shape(architecture, 4, 2, 32);
  spec.rope = rope;
  spec.rope_context = context;
  return spec;
}

/// Sets a number, a boolean or a text.
template <typename T>
Edit key(const std::string& name, T value) {
  return [=](GgufWriter& writer) { writer.remove(name).add(name, value); };
}

template <typename T>
Edit list(const std::string& name, const std::vector<T>& values) {
  return [=](GgufWriter& writer) { writer.remove(name).add_array(name, values); };
}

Edit without_keys(const std::vector<std::string>& names) {
  return [=](GgufWriter& writer) {
    for (const std::string& name : names) writer.remove(name);
  };
}

Edit without_tensor(const std::string& name) {
  return [=](GgufWriter& writer) {
    std::erase_if(writer.tensors, [&](const GgufWriter::Tensor& tensor) { return tensor.name == name; });
  };
}

/// Adds biases of about 0.5 to all matrices of layer 1.
void add_biases(GgufWriter& writer) {
  Random random(7);
  const std::map<std::string, std::size_t> lengths = {{"attn_q", 128},     {"attn_k", 64},    {"attn_v", 64},
                                                      {"attn_output", 64}, {"ffn_gate", 128}, {"ffn_up", 128},
                                                      {"ffn_down", 64}};
  for (const auto& each : lengths)
    writer.add_tensor("blk.1." + each.first + ".bias", {each.second}, random_normal(random, each.second, 0.5F));
}

/// Adds to one element of a tensor of F32.
Edit add_to_element(const std::string& name, std::size_t index, float more) {
  return [=](GgufWriter& writer) {
    for (GgufWriter::Tensor& tensor : writer.tensors) {
      if (tensor.name != name) continue;
      float value = 0;
      std::memcpy(&value, &tensor.data.at(index * sizeof value), sizeof value);
      value += more;
      std::memcpy(&tensor.data.at(index * sizeof value), &value, sizeof value);
    }
  };
}

std::vector<Mistake> rope_mistakes() {
  const TinyModelSpec llama = tiny_shape("llama", 4, 2, 32);
  const TinyModelSpec qwen2 = tiny_shape("qwen2", 4, 2, 32);
  const TinyModelSpec qwen3 = tiny_shape("qwen3", 4, 2, 32);
  const TinyModelSpec yarn = roped("llama", TinyRope::kYarn, 256);
  const auto swap_pairs = [](ReferenceSpec& spec) {
    spec.rope.interleaved = !spec.rope.interleaved;
    spec.local_rope.interleaved = spec.rope.interleaved;
  };
  return {
      {{"LlamaPairs", llama}, {}, swap_pairs},
      {{"Qwen2Pairs", qwen2}, {}, swap_pairs},
      {{"Qwen3Pairs", qwen3}, {}, swap_pairs},
      {{"GemmaPairs", gemma()}, {}, swap_pairs},
      {{"RopeBase", llama}, {key("llama.rope.freq_base", 400000.0F)}},
      {{"RopeSize", llama}, {key("llama.rope.dimension_count", 30U)}},
      {{"LinearIgnored", roped("llama", TinyRope::kLinear)}, {key("llama.rope.scaling.type", "none")}},
      {{"DivisorsIgnored", roped("llama", TinyRope::kLlama3, 64)}, {without_tensor("rope_freqs.weight")}},
      {{"YarnAsLinear", yarn}, {key("llama.rope.scaling.type", "linear")}},
      {{"YarnContext", yarn}, {key("llama.rope.scaling.original_context_length", 1024U)}},
      {{"YarnRamp", yarn}, {key("llama.rope.scaling.yarn_beta_fast", 8.0F)}},
      {{"YarnMagnitude", yarn}, {}, [](ReferenceSpec& spec) { spec.rope.magnitude = 1.0; }},
      {{"LocalRopeBase", gemma()}, {key("gemma3.rope.freq_base_swa", 20000.0F)}},
      {{"LocalRopeAsGlobal", gemma()}, {}, [](ReferenceSpec& spec) { spec.local_rope = spec.rope; }},
  };
}

std::vector<Mistake> window_mistakes() {
  return {
      {{"WindowOneLonger", gemma()}, {key("gemma3.attention.sliding_window", 41U)}},
      {{"WindowOneShorter", gemma()}, {key("gemma3.attention.sliding_window", 39U)}},
      {{"WindowIgnored", gemma()}, {without_keys({"gemma3.attention.sliding_window"})}},
      {{"WindowInAnotherLayer", gemma()}, {key("gemma3.attention.sliding_window_pattern", 5U)}},
  };
}

/// Returns tensors that the oracle leaves out, each in one layer only.
std::vector<Mistake> dropped_tensors() {
  const TinyModelSpec llama = tiny_shape("llama", 4, 2, 32);
  const TinyModelSpec qwen2 = tiny_shape("qwen2", 4, 2, 32);
  const TinyModelSpec qwen3 = tiny_shape("qwen3", 4, 2, 32);
  return {
      {{"NoQueryBias", qwen2}, {without_tensor("blk.1.attn_q.bias")}},
      {{"NoKeyBias", qwen2}, {without_tensor("blk.1.attn_k.bias")}},
      {{"NoValueBias", qwen2}, {without_tensor("blk.1.attn_v.bias")}},
      {{"NoOutputBias", llama, {add_biases}}, {without_tensor("blk.1.attn_output.bias")}},
      {{"NoGateBias", llama, {add_biases}}, {without_tensor("blk.1.ffn_gate.bias")}},
      {{"NoUpBias", llama, {add_biases}}, {without_tensor("blk.1.ffn_up.bias")}},
      {{"NoDownBias", llama, {add_biases}}, {without_tensor("blk.1.ffn_down.bias")}},
      {{"NoQueryNorm", qwen3}, {without_tensor("blk.1.attn_q_norm.weight")}},
      {{"NoKeyNorm", qwen3}, {without_tensor("blk.1.attn_k_norm.weight")}},
      {{"NoPostAttentionNorm", gemma()}, {without_tensor("blk.6.post_attention_norm.weight")}},
      {{"NoPostFeedForwardNorm", gemma()}, {without_tensor("blk.6.post_ffw_norm.weight")}},
  };
}

/// Returns mistakes in what only some architectures have: LayerNorm, blocks side by side, scaled logits.
std::vector<Mistake> form_mistakes() {
  const TinyModelSpec neox = tiny_shape("gptneox", 4, 2, 32);
  const TinyModelSpec command = tiny_shape("command-r", 4, 2, 32);
  const TinyModelSpec coder = tiny_shape("starcoder2", 4, 2, 32);
  const auto serial = [](ReferenceSpec& spec) { spec.parallel = !spec.parallel; };
  return {
      {{"SerialForParallel", neox}, {}, serial},
      {{"SerialForParallelOnOneNorm", command}, {}, serial},
      {{"ParallelForSerial", coder}, {}, serial},
      {{"NoNormBias", coder}, {without_tensor("blk.1.ffn_norm.bias")}},
      {{"NoOutputNormBias", neox}, {without_tensor("output_norm.bias")}},
      {{"NoFusedBias", neox}, {without_tensor("blk.1.attn_qkv.bias")}},
      {{"NoUngatedBias", neox}, {without_tensor("blk.0.ffn_up.bias")}},
      {{"LogitScale", command}, {}, [](ReferenceSpec& spec) { spec.logit_scale = 1.0; }},
  };
}

std::vector<Mistake> other_mistakes() {
  const TinyModelSpec llama = tiny_shape("llama", 4, 2, 32);
  TinyModelSpec untied = llama;
  untied.tied_output = false;
  return {
      {{"Epsilon", llama, {key("llama.attention.layer_norm_rms_epsilon", 0.1F)}},
       {key("llama.attention.layer_norm_rms_epsilon", 0.09F)}},
      {{"EmbeddingScale", gemma()}, {}, [](ReferenceSpec& spec) { spec.embedding_scale = 1.0; }},
      {{"AttentionScale", llama}, {}, [](ReferenceSpec& spec) { spec.attention_scale *= 1.05; }},
      {{"SiluForGelu", gemma()}, {}, [](ReferenceSpec& spec) { spec.activation = ReferenceActivation::kSilu; }},
      {{"GeluForSilu", llama}, {}, [](ReferenceSpec& spec) { spec.activation = ReferenceActivation::kGelu; }},
      {{"OutputOfItsOwn", untied}, {without_tensor("output.weight")}},
      {{"SoftcapIgnored", gemma(), {key("gemma3.final_logit_softcapping", 5.0F)}},
       {without_keys({"gemma3.final_logit_softcapping"})}},
      {{"OneWeightOfTheDownMatrix", llama}, {add_to_element("blk.0.ffn_down.weight", 17, 0.5F)}},
  };
}

}  // namespace

std::filesystem::path write_variant(const Variant& variant, const std::filesystem::path& path) {
  GgufWriter writer = tiny_model_writer(variant.spec);
  for (const Edit& edit : variant.edits) edit(writer);
  writer.write(path);
  return path;
}

std::vector<Variant> shape_variants() {
  std::vector<Variant> all;
  for (const TinyShape& shape : tiny_shapes()) all.push_back({shape.name, shape.spec});
  return all;
}

std::vector<Variant> key_variants() {
  const TinyModelSpec llama = tiny_shape("llama", 4, 2, 32);
  const TinyModelSpec qwen3 = tiny_shape("qwen3", 4, 2, 32);
  TinyModelSpec scaled_gemma = roped("gemma3", TinyRope::kLinear);
  scaled_gemma.sliding_window = kWindow;
  TinyModelSpec untied_gemma = gemma();
  untied_gemma.tied_output = false;
  TinyModelSpec deep_gemma = gemma(16);
  deep_gemma.layers = 62;
  TinyModelSpec shrunk = roped("llama", TinyRope::kYarn);
  shrunk.rope_factor = 0.5F;
  const std::string pattern = "gemma3.attention.sliding_window_pattern";
  return {
      {"WindowOfOneToken", gemma(1)},
      {"WindowOfAPage", gemma(64)},
      {"WindowLongerThanThePrompt", gemma(1000)},
      {"LongRun", gemma(100), {}, 300},
      {"WindowsByList", gemma(), {list<bool>(pattern, {true, false, true, true, false, false, true})}},
      {"WindowsByPeriod", gemma(), {key(pattern, 2U)}},
      {"WindowInEveryLayer", gemma(), {key(pattern, 0U)}},
      {"LocalRopeBase", gemma(), {key("gemma3.rope.freq_base_swa", 500.0F)}},
      {"GemmaScaled", scaled_gemma},
      {"GemmaUntied", untied_gemma},
      {"GemmaSoftcap", gemma(), {key("gemma3.final_logit_softcapping", 2.0F)}},
      {"GemmaOf62Layers", deep_gemma, {}, 40},
      {"Qwen2Linear", roped("qwen2", TinyRope::kLinear)},
      {"Qwen2Yarn", roped("qwen2", TinyRope::kYarn, 64)},
      {"Qwen3Yarn",
       roped("qwen3", TinyRope::kYarn, 256),
       {key("qwen3.rope.scaling.yarn_beta_fast", 8.0F), key("qwen3.rope.scaling.yarn_beta_slow", 2.0F),
        key("qwen3.rope.scaling.attn_factor", 0.7F)}},
      {"YarnByLessThanOne", shrunk},
      {"YarnOfTheWholeContext",
       roped("llama", TinyRope::kYarn),
       {without_keys({"llama.rope.scaling.original_context_length"})}},
      {"ScalingOff", roped("llama", TinyRope::kLinear), {key("llama.rope.scaling.type", "none")}},
      {"ScalingByTheOldKey", llama, {key("llama.rope.scale_linear", 4.0F)}},
      {"LlamaRotatesHalf", llama, {key("llama.rope.dimension_count", 16U)}},
      {"Qwen3RotatesHalf", qwen3, {key("qwen3.rope.dimension_count", 16U)}},
      {"BiasesEverywhere", llama, {add_biases}},
      {"MiniCpmOfDefaults",
       tiny_shape("minicpm", 4, 2, 32),
       {without_keys({"minicpm.logit_scale", "minicpm.embedding_scale", "minicpm.residual_scale"})}},
      {"ExpertsByEachKey",
       tiny_shape("qwen3moe", 4, 2, 32),
       {key("qwen3moe.expert_weights_scale", 2.5F), key("qwen3moe.expert_used_count", 3U)}},
      {"LargeEpsilon", qwen3, {key("qwen3.attention.layer_norm_rms_epsilon", 0.5F)}},
      {"DefaultSizes",
       tiny_shape("llama", 4, 4, 16),
       {without_keys({"llama.attention.head_count_kv", "llama.attention.key_length", "llama.attention.value_length",
                      "llama.rope.dimension_count", "llama.rope.freq_base"})}},
  };
}

std::vector<Variant> type_variants() {
  constexpr std::size_t kTokens = PITH_SANITIZED != 0 ? 6 : 30;
  std::vector<Variant> all;
  for (std::size_t i = 0; i < gguf::kTensorTypes; ++i) {
    TinyModelSpec spec;
    spec.embedding = 256;
    spec.head_size = 64;
    spec.feed_forward = 512;
    spec.weight_type = gguf::tensor_type_at(i).type;
    all.push_back({std::string(gguf::tensor_type_at(i).name), spec, {}, kTokens});
  }
  return all;
}

std::vector<Mistake> mistakes() {
  std::vector<Mistake> all;
  for (const auto& some : {rope_mistakes(), window_mistakes(), dropped_tensors(), form_mistakes(), other_mistakes()})
    all.insert(all.end(), some.begin(), some.end());
  return all;
}

}  // namespace pith::test
