#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "gguf/tensor_type.h"
#include "quantize/roles.h"

namespace pith::quantize {

/// The layers to which a rule applies, counted among those that have such a tensor.
enum class Layers {
  kAll,
  kFirst2,
  kFirst4,
  kFirst16th,
  kFirst8th,
  kEnds,  ///< The first and the last eighth, and every third one between them.
};

/// The models to which a rule applies.
enum class Models {
  kAll,
  kSharedHeads,   ///< At least 4 query heads share a key-value head.
  kEightExperts,  ///< Layers have 8 experts.
};

/// A type other than the mix's.
struct MixRule {
  Role role;
  gguf::TensorType type;
  Layers layers = Layers::kAll;
  Models models = Models::kAll;
};

/// Which matrices get which type. Names, types and numbers are those of llama.cpp.
struct Mix {
  std::string_view name;
  /// The value of general.file_type.
  std::uint32_t file_type;
  gguf::TensorType type;
  /// The first that applies counts.
  std::span<const MixRule> rules{};
  /// The type of experts, if they have one of their own; else the same as `type`.
  gguf::TensorType experts = type;
};

/// Returns all mixes, in the order of the help.
std::span<const Mix> all_mixes() noexcept;

/// Takes upper and lower case, and "q4_k" for "q4_k_m" and the like. Throws Error(kInvalidArgument) for other names.
const Mix& find_mix(std::string_view name);

/// Rules of all mixes of blocks, which come before their own.
std::span<const MixRule> common_rules() noexcept;

/// Returns whether the rule applies to the tensor `index` of `count` tensors of its role, one per layer.
bool applies(Layers layers, std::size_t index, std::size_t count) noexcept;

}  // namespace pith::quantize
