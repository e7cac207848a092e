#pragma once

#include <pith/chat_format.h>
#include <pith/options.h>
#include <pith/tokenizer.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace pith {

namespace model {
class ModelImpl;
}

/// What a model is, as its file states it.
struct ModelInfo {
  std::string name;
  std::string architecture;
  /// The commonest weight type by bytes: "Q4_1".
  std::string weight_type;
  std::uint64_t parameters = 0;
  /// Bytes of the weights as held in memory.
  std::uint64_t weight_bytes = 0;
  /// Of these, what computing one token reads: all but an embedding that does not serve as the output matrix too.
  std::uint64_t token_weight_bytes = 0;
  /// Weights of the layers' matrices: each is multiplied once for every token.
  std::uint64_t layer_parameters = 0;
  /// Weights of the output matrix: each is multiplied once for every row of logits; of a prompt, that is one.
  std::uint64_t output_parameters = 0;
  int layers = 0;
  int embedding = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_size = 0;
  int feed_forward = 0;
  int vocab = 0;
  int context_trained = 0;
  /// Tokens seen by sliding-window layers; 0 if there are none.
  int sliding_window = 0;
};

/// A loaded model: immutable, cheap to copy (copies share the weights), usable from several threads at once.
class Model {
 public:
  /// Reads a GGUF file (v2 or v3; of a sharded model, its first file). The file is not needed afterwards.
  /// Throws Error: kIo if it cannot be read or becomes shorter while it is, kFormat if it is damaged, kUnsupported for
  /// an architecture, tensor, weight type or tokenizer that pith does not know, kIntegrity naming key or tensor where
  /// ModelOptions::manifest says otherwise, kOutOfMemory. The first load of a process installs a handler for SIGBUS,
  /// which hands on all that is not about files being loaded.
  static Model load(const std::filesystem::path& path, const ModelOptions& options = {});

  const ModelInfo& info() const noexcept;
  const Tokenizer& tokenizer() const noexcept;
  /// How conversations are written for it; without a format where the file has no template that pith knows.
  const ChatTemplate& chat_template() const noexcept;

  /// Internal: what sessions work on.
  const std::shared_ptr<const model::ModelImpl>& impl() const noexcept { return impl_; }

 private:
  friend class ModelOutline;
  explicit Model(std::shared_ptr<const model::ModelImpl> impl);
  std::shared_ptr<const model::ModelImpl> impl_;
};

}  // namespace pith
