#include "quantize/plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "quantize/name_pattern.h"
#include "quantize/type_names.h"

namespace pith::quantize {
namespace {

using gguf::TensorType;

struct Override {
  NamePattern pattern;
  TensorType type;
  bool used = false;
};

/// What types are chosen by, read from the options and the file once.
class Chooser {
 public:
  Chooser(const gguf::File& file, const QuantizeOptions& options) : mix_(find_mix(options.type)), pure_(options.pure) {
    for (const QuantizeRule& rule : options.rules) {
      overrides_.push_back({NamePattern(rule.pattern), find_type(rule.type, "rule '" + printable(rule.pattern) + "'")});
    }
    if (!options.output_type.empty()) output_ = find_type(options.output_type, "output_type");
    if (!options.embedding_type.empty()) embedding_ = find_type(options.embedding_type, "embedding_type");
    tied_ = file.find("output.weight") == nullptr;
    read_model(file.metadata());
    for (const gguf::TensorInfo& tensor : file.tensors()) {
      if (const auto layer = layer_of(tensor.name)) layers_[role_of(tensor.name)].insert(*layer);
    }
  }

  /// The type that is asked for, whatever the shape.
  TensorType choose(const gguf::TensorInfo& tensor) {
    for (Override& by : overrides_) {
      if (!by.pattern.matches(tensor.name)) continue;
      by.used = true;
      return by.type;
    }
    const Role role = role_of(tensor.name);
    if (role == Role::kEmbedding && embedding_) return *embedding_;
    const bool is_output = role == Role::kOutput || (role == Role::kEmbedding && tied_);
    if (is_output && output_) return *output_;
    if (pure_ || gguf::type_info(mix_.type).block_elements == 1) return mix_.type;
    if (is_output) return type_of_output(tensor);
    if (mix_.experts != mix_.type && tensor.dims.size() > 2 && tensor.dims[2] > 1) return mix_.experts;
    for (const auto& rules : {common_rules(), mix_.rules}) {
      for (const MixRule& rule : rules) {
        if (rule.role == role && holds(rule, tensor)) return rule.type;
      }
    }
    return mix_.type;
  }

  /// Throws Error(kInvalidArgument) if a rule of the caller was never used.
  void check_used(const std::string& path) const {
    const auto unused = std::find_if(overrides_.begin(), overrides_.end(), [](const Override& by) { return !by.used; });
    if (unused == overrides_.end()) return;
    fail(ErrorKind::kInvalidArgument, "{}: pattern '{}' is the first to match no matrix that can be quantized", path,
         printable(unused->pattern.expression()));
  }

 private:
  void read_model(const gguf::Metadata& metadata) {
    const auto architecture = metadata.get<std::string_view>("general.architecture").value_or("");
    // Per layer, the first that is not 0 counts.
    const auto number = [&](std::string_view key) -> std::uint64_t {
      const std::string name = fmt::format("{}.{}", architecture, key);
      if (!metadata.is_array(name)) return metadata.get<std::uint64_t>(name).value_or(0);
      const std::vector<std::int64_t> all = metadata.integers(name);
      const auto first = std::find_if(all.begin(), all.end(), [](std::int64_t value) { return value > 0; });
      return first == all.end() ? 0 : static_cast<std::uint64_t>(*first);
    };
    const std::uint64_t heads = number("attention.head_count");
    const std::uint64_t kv_heads = number("attention.head_count_kv");
    shared_heads_ = kv_heads != 0 && heads / kv_heads >= 4;
    eight_experts_ = number("expert_count") == 8;
  }

  TensorType type_of_output(const gguf::TensorInfo& tensor) const {
    const bool whole = tensor.columns() % gguf::type_info(mix_.type).block_elements == 0;
    return mix_.type == TensorType::kQ8_0 || !whole ? TensorType::kQ8_0 : TensorType::kQ6_K;
  }

  bool holds(const MixRule& rule, const gguf::TensorInfo& tensor) const {
    if (rule.models == Models::kSharedHeads && !shared_heads_) return false;
    if (rule.models == Models::kEightExperts && !eight_experts_) return false;
    const auto layer = layer_of(tensor.name);
    if (!layer) return applies(rule.layers, 0, 1);
    const std::set<std::size_t>& layers = layers_.at(rule.role);
    const auto index = std::distance(layers.begin(), layers.find(*layer));
    return applies(rule.layers, static_cast<std::size_t>(index), layers.size());
  }

  const Mix& mix_;
  bool pure_;
  std::vector<Override> overrides_{};
  std::optional<TensorType> output_{};
  std::optional<TensorType> embedding_{};
  bool tied_ = false;
  bool shared_heads_ = false;
  bool eight_experts_ = false;
  /// The layers that have a tensor of a role.
  std::map<Role, std::set<std::size_t>> layers_{};
};

/// Types with blocks of 256 and what takes their place, about as large.
constexpr std::array<std::pair<TensorType, TensorType>, 8> kFallbacks = {{
    {TensorType::kQ2_K, TensorType::kQ4_0},
    {TensorType::kQ3_K, TensorType::kQ4_0},
    {TensorType::kQ4_K, TensorType::kQ5_0},
    {TensorType::kQ5_K, TensorType::kQ5_1},
    {TensorType::kQ6_K, TensorType::kQ8_0},
    {TensorType::kIQ4_XS, TensorType::kIQ4_NL},
    {TensorType::kTQ1_0, TensorType::kQ4_0},
    {TensorType::kTQ2_0, TensorType::kQ4_0},
}};

void check_lossless(const gguf::TensorInfo& tensor, TensorType type, const std::string& path) {
  if (tensor.type == type || gguf::type_info(tensor.type).block_elements == 1) return;
  fail(
      ErrorKind::kInvalidArgument,
      "{}: tensor {} is {} and would become {}: that loses more than from F32, F16 or BF16, and takes allow_requantize "
      "(--allow-requantize)",
      path, printable(tensor.name), gguf::type_info(tensor.type).name, gguf::type_info(type).name);
}

}  // namespace

TensorType fitting_type(TensorType type, std::uint64_t columns) {
  const auto fits = [&](TensorType candidate) { return columns % gguf::type_info(candidate).block_elements == 0; };
  if (fits(type)) return type;
  for (const auto& [large, small] : kFallbacks) {
    if (large == type && fits(small)) return small;
  }
  return TensorType::kF16;
}

std::vector<PlannedTensor> plan_tensors(const gguf::File& file, const QuantizeOptions& options) {
  Chooser chooser(file, options);
  std::vector<PlannedTensor> plan;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    PlannedTensor& planned = plan.emplace_back(PlannedTensor{&tensor, tensor.type});
    if (!may_quantize(tensor)) {
      planned.note = "kept";
      continue;
    }
    const TensorType wanted = chooser.choose(tensor);
    planned.type = fitting_type(wanted, tensor.columns());
    if (planned.type != wanted) {
      const gguf::TensorTypeInfo& info = gguf::type_info(wanted);
      planned.note =
          fmt::format("{} columns are not whole blocks of {} ({})", tensor.columns(), info.name, info.block_elements);
    }
    if (!options.allow_requantize) check_lossless(tensor, planned.type, file.path_of(tensor));
  }
  chooser.check_used(file.path());
  return plan;
}

}  // namespace pith::quantize
