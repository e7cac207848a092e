#include "model/read_experts.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/fail.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kExpertsMax = 4096;
constexpr std::uint64_t kExpertSizeMax = 1U << 20;
constexpr Range kShareScale = {1e-6, 1e6};

/// Returns how the file says that experts are chosen; the key's numbers are those of the format.
ExpertGating read_gating(const gguf::File& file, const Keys& keys, ExpertGating usual) {
  const std::string key = keys.name_of("expert_gating_func");
  switch (const std::uint64_t number = file.metadata().get<std::uint64_t>(key).value_or(0); number) {
    case 0:
      return usual;
    case 1:
      return ExpertGating::kSoftmax;
    case 2:
      return ExpertGating::kSigmoid;
    case 3:
      return ExpertGating::kSoftmaxOfChosen;
    default:
      fail(ErrorKind::kUnsupported, "{}: {} is {}; known are 1 (softmax), 2 (sigmoid), 3 (softmax of the chosen)",
           file.path(), key, number);
  }
}

/// Returns the size of the shared experts together: files state it, or how many there are of the others' size.
std::size_t shared_size(const Keys& keys, std::size_t size) {
  if (keys.has("expert_shared_feed_forward_length"))
    return keys.count("expert_shared_feed_forward_length", kExpertSizeMax);
  return size * keys.count_or("expert_shared_count", 1, kExpertsMax);
}

void read_groups(const gguf::File& file, const Keys& keys, ExpertsSpec& experts) {
  const std::string key = keys.name_of("expert_group_count");
  const std::uint64_t groups = file.metadata().get<std::uint64_t>(key).value_or(0);
  if (groups <= 1) return;
  // The score of a group is that of its two best experts.
  if (experts.count % groups != 0 || experts.count / groups < 2) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must part the {} experts into groups of at least 2", file.path(), key,
         groups, experts.count);
  }
  experts.groups_used = keys.count("expert_group_used_count", groups);
  experts.groups = groups;
  const std::size_t open = experts.groups_used * (experts.count / groups);
  if (experts.used > open) {
    fail(ErrorKind::kFormat, "{}: {} is {}, whose {} experts must be at least the {} used", file.path(),
         keys.name_of("expert_group_used_count"), experts.groups_used, open, experts.used);
  }
}

}  // namespace

void check_no_experts(const gguf::File& file, const Keys& keys) {
  const std::string key = keys.name_of("expert_count");
  const std::uint64_t experts = file.metadata().get<std::uint64_t>(key).value_or(0);
  if (experts == 0) return;
  fail(ErrorKind::kUnsupported, "{}: {} is {}, must be 0: this architecture has no experts", file.path(), key, experts);
}

void check_experts(const gguf::File& file, const Keys& keys, const ModelSpec& spec) {
  const std::string key = keys.name_of("expert_count");
  const std::uint64_t count = file.metadata().get<std::uint64_t>(key).value_or(0);
  const auto has_experts = [](const LayerSpec& layer) { return layer.feed_forward.experts.present(); };
  if (count == 0 || std::any_of(spec.layers.begin(), spec.layers.end(), has_experts)) return;
  fail(ErrorKind::kFormat, "{}: {} is {}, but no layer has the tensor ffn_gate_inp.weight", file.path(), key, count);
}

void read_experts(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t layer,
                  FeedForwardSpec& spec) {
  const auto has = [&](std::string_view part) { return file.find(layer_tensor(layer, part)) != nullptr; };
  const auto bias = [&](std::string_view part) { return traits.biases || has(part); };
  if (!has("ffn_gate_inp.weight")) return;
  ExpertsSpec& experts = spec.experts;
  experts.count = keys.count("expert_count", kExpertsMax);
  experts.used = keys.count("expert_used_count", experts.count);
  read_groups(file, keys, experts);
  experts.gating = read_gating(file, keys, traits.experts.gating);
  experts.normalized =
      file.metadata().get<bool>(keys.name_of("expert_weights_norm")).value_or(traits.experts.normalized);
  experts.scale = static_cast<float>(keys.real_unless_zero("expert_weights_scale", kShareScale).value_or(0.0));
  experts.router_bias = bias("ffn_gate_inp.bias");
  experts.selection_bias = has("exp_probs_b.bias");
  if (keys.has("expert_feed_forward_length")) spec.size = keys.count("expert_feed_forward_length", kExpertSizeMax);
  if (spec.size == 0)
    fail(ErrorKind::kFormat, "{}: {} is missing", file.path(), keys.name_of("expert_feed_forward_length"));
  experts.shared_is_dense = traits.experts.shared_is_dense;
  if (traits.experts.shared || has("ffn_up_shexp.weight")) experts.shared_size = shared_size(keys, spec.size);
  experts.fused = has("ffn_gate_up_exps.weight");
  experts.output_scales = has("ffn_down_exps.scale");
  experts.shared_gate = traits.experts.shared_gate || has("ffn_gate_inp_shexp.weight");
  spec.fused = false;
  spec.gate_bias = bias("ffn_gate_exps.bias");
  spec.up_bias = bias("ffn_up_exps.bias");
  spec.down_bias = bias("ffn_down_exps.bias");
}

}  // namespace pith::model
