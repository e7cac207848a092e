#pragma once

#include <cstddef>
#include <string>

#include "support/tensor_maker.h"
#include "support/tiny_model.h"

namespace pith::test {

// What sets Gemma 4's files apart: of every three layers two have a window, heads of half the size, and twice as many
// KV heads; the last ones share keys and values, and have a wider feed-forward.

bool is_gemma4(const TinyModelSpec& spec);
/// Returns whether a layer has a window.
bool tiny_layer_is_local(std::size_t layer);
/// Returns whether a layer has keys and values of its own.
bool tiny_layer_caches(const TinyModelSpec& spec, std::size_t layer);
/// Returns the spec with the sizes that one layer has.
TinyModelSpec tiny_layer(const TinyModelSpec& spec, std::size_t layer);

void add_gemma4_keys(GgufWriter& writer, const TinyModelSpec& spec);
/// Adds the tensors of the whole model, and those of a layer, that no other architecture has.
void add_gemma4(TensorMaker& make, const TinyModelSpec& spec, std::size_t vocab);
void add_gemma4_layer(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix);
/// Adds the tensors of experts beside those of a network as layers without experts have it.
void add_gemma4_experts(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix);

}  // namespace pith::test
