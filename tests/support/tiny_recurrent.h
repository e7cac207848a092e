#pragma once

#include <cstddef>
#include <string>

#include "support/tensor_maker.h"
#include "support/tiny_model.h"

namespace pith::test {

/// What a layer consists of.
struct TinyParts {
  bool attention = true;
  bool recurrent = false;
  bool feed_forward = true;
};
TinyParts tiny_parts(const TinyModelSpec& spec, std::size_t layer);

/// Adds the sizes of states, and those of heads and feed-forward, which files of some architectures state by layer.
void add_recurrent_keys(GgufWriter& writer, const TinyModelSpec& spec);
void add_recurrent(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix);

}  // namespace pith::test
