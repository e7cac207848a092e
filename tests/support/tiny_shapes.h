#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "support/tiny_model.h"

namespace pith::test {

/// A tiny model under the name that tests of it have.
struct TinyShape {
  std::string name;
  TinyModelSpec spec;
};

/// Returns a tiny model of an architecture and its heads; of gemma3 with enough layers for one that has no window.
TinyModelSpec tiny_shape(const std::string& architecture, std::size_t heads, std::size_t kv_heads,
                         std::size_t head_size, std::size_t window = 0);

/// Returns models of every architecture that differ in all that a forward pass has to distinguish.
std::vector<TinyShape> tiny_shapes();
/// Returns one model of each architecture that only makes embeddings.
std::vector<TinyShape> tiny_encoders();

}  // namespace pith::test
