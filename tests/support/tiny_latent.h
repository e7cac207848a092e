#pragma once

#include <cstddef>
#include <string>

#include "support/gguf_writer.h"
#include "support/tensor_maker.h"
#include "support/tiny_model.h"

// Attention whose heads share a latent.
namespace pith::test {

/// Elements of a head that are rotated.
inline constexpr std::size_t kTinyRotated = 16;

/// Returns whether the model's heads share a latent.
bool has_latent(const TinyModelSpec& spec);
void add_deepseek2_keys(GgufWriter& writer, const TinyModelSpec& spec);
void add_latent_keys(GgufWriter& writer, const TinyModelSpec& spec);
void add_latent_attention(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix);

}  // namespace pith::test
