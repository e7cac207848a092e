#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace pith::model {

/// Returns the name of a layer's tensor in GGUF files: "blk.3.attn_q.weight".
inline std::string layer_tensor(std::size_t layer, std::string_view part) {
  return "blk." + std::to_string(layer) + "." + std::string(part);
}

}  // namespace pith::model
