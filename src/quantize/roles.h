#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "gguf/tensor_info.h"

namespace pith::quantize {

/// What a matrix is for, as far as mixes tell.
enum class Role {
  kEmbedding,
  kOutput,
  kAttentionV,  ///< Also matrices of which it is a part.
  kAttentionK,
  kAttentionOutput,
  kFfnDown,  ///< Also of experts.
  kOther,
};

Role role_of(std::string_view name) noexcept;

/// Returns 12 for "blk.12.attn_q.weight", and nullopt for tensors that belong to no layer.
std::optional<std::size_t> layer_of(std::string_view name) noexcept;

/// Returns whether a tensor is a matrix that bears rounding. It does not if it is a vector, or small and sensitive:
/// norms, routers, convolutions, small tensors of recurrent layers, position embeddings.
bool may_quantize(const gguf::TensorInfo& tensor) noexcept;

}  // namespace pith::quantize
