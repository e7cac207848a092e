#include "quantize/mixes.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/fail.h"
#include "base/printable.h"
#include "quantize/type_names.h"

namespace pith::quantize {
namespace {

using gguf::TensorType;

constexpr std::array kCommon = {
    MixRule{Role::kAttentionV, TensorType::kQ8_0, Layers::kAll, Models::kEightExperts},
    MixRule{Role::kAttentionK, TensorType::kQ8_0, Layers::kAll, Models::kEightExperts},
};

constexpr std::array kQ2_K = {
    MixRule{Role::kAttentionV, TensorType::kQ4_K, Layers::kAll, Models::kSharedHeads},
    MixRule{Role::kAttentionV, TensorType::kQ3_K},
    MixRule{Role::kAttentionOutput, TensorType::kQ5_K, Layers::kAll, Models::kEightExperts},
    MixRule{Role::kAttentionOutput, TensorType::kQ3_K},
    MixRule{Role::kFfnDown, TensorType::kQ3_K},
};
constexpr std::array kExpertsOutput = {
    MixRule{Role::kAttentionOutput, TensorType::kQ5_K, Layers::kAll, Models::kEightExperts},
};
constexpr std::array kQ3_K_M = {
    MixRule{Role::kAttentionV, TensorType::kQ5_K, Layers::kFirst2},
    MixRule{Role::kAttentionV, TensorType::kQ4_K},
    MixRule{Role::kAttentionOutput, TensorType::kQ5_K, Layers::kAll, Models::kEightExperts},
    MixRule{Role::kAttentionOutput, TensorType::kQ4_K},
    MixRule{Role::kFfnDown, TensorType::kQ5_K, Layers::kFirst16th},
    MixRule{Role::kFfnDown, TensorType::kQ4_K},
};
constexpr std::array kQ3_K_L = {
    MixRule{Role::kAttentionV, TensorType::kQ5_K},
    MixRule{Role::kAttentionOutput, TensorType::kQ5_K},
    MixRule{Role::kFfnDown, TensorType::kQ5_K},
};
constexpr std::array kQ4_K_S = {
    MixRule{Role::kAttentionV, TensorType::kQ5_K, Layers::kFirst4},
    MixRule{Role::kAttentionOutput, TensorType::kQ5_K, Layers::kAll, Models::kEightExperts},
    MixRule{Role::kFfnDown, TensorType::kQ5_K, Layers::kFirst8th},
};
constexpr std::array kQ4_K_M = {
    MixRule{Role::kAttentionV, TensorType::kQ6_K, Layers::kEnds},
    MixRule{Role::kAttentionOutput, TensorType::kQ5_K, Layers::kAll, Models::kEightExperts},
    MixRule{Role::kFfnDown, TensorType::kQ6_K, Layers::kEnds},
};
constexpr std::array kQ5_K_M = {
    MixRule{Role::kAttentionV, TensorType::kQ6_K, Layers::kEnds},
    MixRule{Role::kFfnDown, TensorType::kQ6_K, Layers::kEnds},
};
constexpr std::array kIQ4 = {
    MixRule{Role::kAttentionV, TensorType::kQ5_K, Layers::kAll, Models::kSharedHeads},
    MixRule{Role::kAttentionOutput, TensorType::kQ5_K, Layers::kAll, Models::kEightExperts},
    MixRule{Role::kFfnDown, TensorType::kQ5_K, Layers::kFirst8th},
};
constexpr std::array kTernary = {
    MixRule{Role::kEmbedding, TensorType::kQ4_K},
};

constexpr std::array kMixes = {
    Mix{"f32", 0, TensorType::kF32},
    Mix{"f16", 1, TensorType::kF16},
    Mix{"bf16", 32, TensorType::kBF16},
    Mix{"q8_0", 7, TensorType::kQ8_0},
    Mix{"q6_k", 18, TensorType::kQ6_K},
    Mix{"q5_k_m", 17, TensorType::kQ5_K, kQ5_K_M},
    Mix{"q5_k_s", 16, TensorType::kQ5_K},
    Mix{"q5_1", 9, TensorType::kQ5_1},
    Mix{"q5_0", 8, TensorType::kQ5_0},
    Mix{"q4_k_m", 15, TensorType::kQ4_K, kQ4_K_M},
    Mix{"q4_k_s", 14, TensorType::kQ4_K, kQ4_K_S},
    Mix{"q4_1", 3, TensorType::kQ4_1},
    Mix{"q4_0", 2, TensorType::kQ4_0},
    Mix{"iq4_nl", 25, TensorType::kIQ4_NL, kIQ4},
    Mix{"iq4_xs", 30, TensorType::kIQ4_XS, kIQ4},
    Mix{"mxfp4", 38, TensorType::kMXFP4},
    Mix{"mxfp4_moe", 38, TensorType::kQ8_0, {}, TensorType::kMXFP4},
    Mix{"q3_k_l", 13, TensorType::kQ3_K, kQ3_K_L},
    Mix{"q3_k_m", 12, TensorType::kQ3_K, kQ3_K_M},
    Mix{"q3_k_s", 11, TensorType::kQ3_K, kExpertsOutput},
    Mix{"q2_k", 10, TensorType::kQ2_K, kQ2_K},
    Mix{"tq2_0", 37, TensorType::kTQ2_0, kTernary},
    Mix{"tq1_0", 36, TensorType::kTQ1_0, kTernary},
};

/// Short names, as llama.cpp has them.
struct Alias {
  std::string_view name;
  std::string_view mix;
};
constexpr std::array kAliases = {Alias{"q5_k", "q5_k_m"}, Alias{"q4_k", "q4_k_m"}, Alias{"q3_k", "q3_k_m"}};

}  // namespace

std::span<const Mix> all_mixes() noexcept { return kMixes; }

std::span<const MixRule> common_rules() noexcept { return kCommon; }

const Mix& find_mix(std::string_view name) {
  for (const Alias& alias : kAliases) {
    if (same_name(alias.name, name)) return find_mix(alias.mix);
  }
  for (const Mix& mix : kMixes) {
    if (same_name(mix.name, name)) return mix;
  }
  std::vector<std::string_view> names;
  names.reserve(kMixes.size());
  for (const Mix& mix : kMixes) names.push_back(mix.name);
  fail(ErrorKind::kInvalidArgument, "type {} is not one of {}", printable(name), fmt::join(names, ", "));
}

bool applies(Layers layers, std::size_t index, std::size_t count) noexcept {
  switch (layers) {
    case Layers::kAll:
      return true;
    case Layers::kFirst2:
      return index < 2;
    case Layers::kFirst4:
      return index < 4;
    case Layers::kFirst16th:
      return index < count / 16;
    case Layers::kFirst8th:
      return index < count / 8;
    case Layers::kEnds:
      return index < count / 8 || index >= 7 * count / 8 || (index - count / 8) % 3 == 2;
  }
  return false;
}

}  // namespace pith::quantize
