#include "quantize/roles.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace pith::quantize {
namespace {

struct NamedRole {
  /// A part of the name.
  std::string_view part;
  Role role;
};

/// The first that matches counts.
constexpr std::array kRoles = {
    NamedRole{"attn_qkv.weight", Role::kAttentionV},         NamedRole{"attn_kv_b.weight", Role::kAttentionV},
    NamedRole{"attn_v.weight", Role::kAttentionV},           NamedRole{"attn_k.weight", Role::kAttentionK},
    NamedRole{"attn_output.weight", Role::kAttentionOutput}, NamedRole{"ffn_down", Role::kFfnDown},
};

/// Parts of the names of tensors that are kept, beside vectors.
constexpr std::array<std::string_view, 20> kKept = {
    "_norm",
    // Routers of experts.
    "ffn_gate_inp",
    "ffn_gate_tid2eid",
    // Convolutions.
    "_conv1d",
    "shortconv.conv",
    // Small matrices of Gemma 3n and 4.
    "altup",
    "laurel",
    "per_layer_model_proj",
    // Positions, and types of tokens.
    "position_embd",
    "token_types",
    "attn_rel_b",
    // Small matrices of indexers and of RWKV.
    "indexer.k_proj",
    "indexer.q_proj",
    "time_mix_first",
    "time_mix_w",
    "time_mix_v",
    "time_mix_a",
    "time_mix_g",
    "time_mix_decay",
    "time_mix_lerp",
};

/// Of recurrent layers only the projections at both ends are large.
constexpr std::string_view kRecurrent = ".ssm_";
constexpr std::array<std::string_view, 2> kRecurrentLarge = {".ssm_in.", ".ssm_out."};

bool has_any(std::string_view name, const auto& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return name.find(part) != std::string_view::npos; });
}

}  // namespace

Role role_of(std::string_view name) noexcept {
  if (name == "output.weight") return Role::kOutput;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return Role::kEmbedding;
  for (const NamedRole& row : kRoles) {
    if (name.find(row.part) != std::string_view::npos) return row.role;
  }
  return Role::kOther;
}

std::optional<std::size_t> layer_of(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::size_t layer = 0;
  const auto [rest, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  const bool is_number = error == std::errc() && rest != name.data() + name.size() && *rest == '.';
  return is_number ? std::optional(layer) : std::nullopt;
}

bool may_quantize(const gguf::TensorInfo& tensor) noexcept {
  const std::string_view name = tensor.name;
  // A column of many rows of one weight is a vector too.
  if (tensor.columns() == 1 || tensor.rows() == 1) return false;
  if (!name.ends_with("weight") || has_any(name, kKept)) return false;
  return name.find(kRecurrent) == std::string_view::npos || has_any(name, kRecurrentLarge);
}

}  // namespace pith::quantize
