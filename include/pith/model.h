#pragma once

#include <pith/chat_format.h>
#include <pith/export.h>
#include <pith/feed_options.h>
#include <pith/model_options.h>
#include <pith/tokenizer.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace pith::model {
class ModelImpl;
}  // namespace pith::model

namespace pith::inline v0_1 {

/// Properties of a model, as its file states them.
struct ModelInfo {
  std::string name;
  std::string architecture;
  /// The weight type that takes the most bytes: "Q4_1".
  std::string weight_type;
  std::uint64_t parameters = 0;
  /// Size of the weights in memory, in bytes.
  std::uint64_t weight_bytes = 0;
  /// Bytes of these that computing one token reads: all but experts that it does not take, and an embedding matrix that
  /// is not also the output matrix.
  std::uint64_t token_weight_bytes = 0;
  /// Weights of the layers' matrices, of experts those that one token takes. Each is multiplied once per token.
  std::uint64_t layer_parameters = 0;
  /// Weights of the output matrix. Each is multiplied once per row of logits, which a prompt needs only one of.
  std::uint64_t output_parameters = 0;
  int layers = 0;
  int embedding = 0;
  int heads = 0;
  int kv_heads = 0;
  int head_size = 0;
  int feed_forward = 0;
  int vocab = 0;
  int context_trained = 0;
  /// Tokens that sliding-window layers see; 0 if there are no such layers.
  int sliding_window = 0;
  /// Experts of a layer's mixture, and how many of them a token takes; 0: the model has no mixtures.
  int experts = 0;
  int experts_used = 0;
  /// Whether tokens see later ones too: Session::embed() reads a text as a whole, and nothing else can be done with it.
  bool encoder = false;
  /// How the file says that a text's vector is made; Pooling::kModel: it does not say.
  Pooling pooling = Pooling::kModel;
  /// Adapters that were loaded with it (ModelOptions::adapters).
  int adapters = 0;
};

using PropertyValue = std::variant<bool, std::uint64_t, double, std::string>;

/// One property of a model's specification.
struct ModelProperty {
  /// A path: "hidden_size", "ropes.0.base", "layers.3.attention.window". Numbers count from 0.
  std::string name;
  /// A choice is a lower-case word ("rms"). The architecture's name is as the file states it.
  PropertyValue value;

  bool operator==(const ModelProperty&) const = default;
};

/// A loaded model: immutable, cheap to copy (copies share the weights), usable from several threads at once.
class PITH_EXPORT Model {
 public:
  /// Reads a GGUF file (version 2 or 3; the first file of a split model). The file is not needed afterwards. The first
  /// load of a process installs a handler for SIGBUS, which passes on every signal that is not about files being
  /// loaded. Throws Error: kIo if the file cannot be read or becomes shorter meanwhile, kFormat if it is damaged,
  /// kUnsupported for an architecture, tensor, weight type or tokenizer that pith does not support, kIntegrity naming
  /// the key or tensor that differs from ModelOptions::manifest, kInvalidArgument for an adapter that does not fit the
  /// model, kOutOfMemory.
  static Model load(const std::filesystem::path& path, const ModelOptions& options = {});

  const ModelInfo& info() const noexcept;
  /// Returns everything that the forward pass knows of the model's structure, layer by layer: shapes, norms, windows,
  /// RoPE, biases. For people and reports: names, order and words may change with any version, and what an
  /// architecture adds appears here. Throws Error(kOutOfMemory).
  std::vector<ModelProperty> specification() const;
  const Tokenizer& tokenizer() const noexcept;
  /// Returns how the model's conversations are written. Has no format if the file has no template that pith supports.
  const ChatTemplate& chat_template() const noexcept;

  /// Frees the scratch memory that is kept for the next feed of any session (SessionMemory::scratch_shared), for
  /// applications that will be idle for long. Running feeds keep theirs.
  void release_scratch() const;

  /// Internal: the implementation that sessions use.
  const std::shared_ptr<const model::ModelImpl>& impl() const noexcept { return impl_; }

 private:
  friend class ModelOutline;
  explicit Model(std::shared_ptr<const model::ModelImpl> impl);
  std::shared_ptr<const model::ModelImpl> impl_;
};

}  // namespace pith::inline v0_1
