#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "gguf/tensor_type.h"
#include "support/gguf_writer.h"
#include "support/paths.h"

namespace pith::test {

enum class TinyRope { kPlain, kLinear, kLlama3, kYarn, kLong };

/// A model of random weights. It says nothing sensible, but loads, runs, and is the same on every machine.
struct TinyModelSpec {
  /// Which tensors it has: support/tiny_form.h.
  std::string architecture = "llama";
  std::size_t embedding = 64;
  std::size_t layers = 2;
  std::size_t heads = 4;
  std::size_t kv_heads = 2;
  std::size_t head_size = 16;
  /// The size of a head's values; 0: head_size.
  std::size_t value_size = 0;
  std::size_t feed_forward = 128;  ///< Of each expert, if there are experts.
  std::size_t experts = 0;         ///< 0: as many as the architecture has here.
  std::size_t experts_used = 2;
  std::size_t shared_expert = 256;  ///< Size, where the architecture has one.
  /// Groups that the experts are parted into; 0: none. Two of them are chosen from.
  std::size_t expert_groups = 0;
  /// The latent's size where heads share one, and of the row that queries come from; 0: of the embedding itself.
  std::size_t latent = 64;
  std::size_t query_latent = 0;
  std::size_t dense_layers = 0;  ///< The first layers, which are no mixtures.
  /// The last layers, which read the keys and values of others, where the architecture allows it.
  std::size_t sharing_layers = 0;
  /// The size of each layer's own embeddings; 0: there are none.
  std::size_t layer_embedding = 0;
  /// Whether layers without a window take their values from keys.
  bool values_are_keys = false;
  std::size_t context = 4096;
  // Of recurrent layers, where the architecture has any.
  std::size_t taps = 4;
  std::size_t state_heads = 4;
  std::size_t state_key_heads = 2;
  std::size_t state_values = 16;
  std::size_t state_keys = 32;
  /// Type of all matrices. embedding, feed_forward and heads * head_size must be multiples of its block size.
  gguf::TensorType weight_type = gguf::TensorType::kF32;
  /// Whether the embedding is also the output matrix. If so, the likeliest next token is often the last one again.
  bool tied_output = true;
  /// In tokens; 0: the key is not written.
  std::size_t sliding_window = 0;
  /// gptneox: whether both blocks of a layer read the same x.
  bool parallel = true;
  /// kLlama3 writes the tensor rope_freqs.weight, kLong two tensors and keys; the others write keys.
  TinyRope rope = TinyRope::kPlain;
  float rope_factor = 4.0F;
  /// The context that the model was trained for before RoPE was scaled.
  std::size_t rope_context = 1024;
  std::uint64_t seed = 1;
  /// Whether the vocabulary is SentencePiece instead of byte-level BPE.
  bool sentence_piece = false;
};

/// Returns a model of six layers, five of which have a window of 96 tokens.
inline TinyModelSpec tiny_windows() {
  TinyModelSpec spec;
  spec.architecture = "gemma3";
  spec.layers = 6;
  spec.tied_output = false;
  spec.sliding_window = 96;
  return spec;
}

/// Returns a writer of the model's file, to which keys can be added and in which tensors can be replaced.
GgufWriter tiny_model_writer(const TinyModelSpec& spec = {});

/// Returns the model's file.
Bytes make_tiny_model(const TinyModelSpec& spec = {});

/// Writes the model to "<name>.gguf" in a folder, and returns the path.
std::filesystem::path write_tiny_model(const TinyModelSpec& spec, const TempDir& folder,
                                       const std::string& name = "tiny");

}  // namespace pith::test
