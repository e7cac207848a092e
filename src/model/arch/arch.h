#pragma once

#include <span>
#include <string_view>

#include "gguf/file.h"
#include "model/keys.h"
#include "model/spec.h"

namespace pith::model {

/// What sets an architecture apart as far as constants say it; all layers are alike. What a file states (sizes, RoPE's
/// scaling, which optional biases there are) has been read before.
struct Traits {
  RopePairs pairs = RopePairs::kHalfSplit;
  NormKind norm = NormKind::kRms;
  bool query_key_norm = false;
  bool post_norms = false;  ///< Norms after both blocks as well.
  bool qkv_bias = false;    ///< The biases of query, key and value are required; otherwise optional.
  bool biases = false;      ///< The biases of norms and of all other matrices are required; otherwise optional.
  bool fused_qkv = false;   ///< attn_qkv is required; otherwise it may stand in place of its three parts.
  Activation activation = Activation::kSilu;
  bool gated = true;
  Residual residual = Residual::kSerial;
};

/// One architecture: its name in general.architecture, its traits, and a function for what they do not cover, which
/// may read further keys and change the spec layer by layer. It throws Error as read_spec() does.
struct Architecture {
  std::string_view name;
  Traits traits;
  void (*adapt)(const gguf::File& file, const Keys& keys, ModelSpec& spec) = nullptr;
};

/// Throws Error(kUnsupported) naming the architecture and listing the known ones.
const Architecture& find_architecture(const gguf::File& file, std::string_view name);

}  // namespace pith::model
