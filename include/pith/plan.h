#pragma once

#include <pith/export.h>
#include <pith/kv_options.h>
#include <pith/model.h>
#include <pith/model_options.h>
#include <pith/session_options.h>
#include <pith/stats.h>

#include <cstdint>
#include <filesystem>

namespace pith::inline v0_1 {

/// What a process that holds a model and its sessions takes of memory, part by part, in bytes.
struct MemoryPlan {
  /// Weights as held in memory, shared by all sessions: ModelInfo::weight_bytes.
  std::uint64_t weight_bytes = 0;
  /// The KV caches of all sessions, at their largest on the way to that many tokens: a page that is being filled is
  /// exact and takes more than after it is sealed.
  std::uint64_t kv_bytes = 0;
  /// Activations of a batch (SessionOptions::batch_tokens), which the model lends to one feed after another, and the
  /// logits of each session. Every further feed at the same time takes the activations once more.
  std::uint64_t scratch_bytes = 0;
  /// An allowance for the rest: 8 MiB for the program, its libraries and the allocator, and 96 bytes for each token
  /// of the vocabulary, which the tokenizer holds as text and in tables.
  std::uint64_t process_bytes = 0;

  std::uint64_t total() const noexcept { return weight_bytes + kv_bytes + scratch_bytes + process_bytes; }
};

/// Predicts the memory of `sessions` sessions with these options on a model when each holds `tokens` tokens, without
/// running one. Eviction is not counted: budgets only lower the figure. Can be called from any thread. Throws Error:
/// kInvalidArgument for options out of range, negative tokens or fewer sessions than 1, kUnsupported for an unknown
/// codec name.
PITH_EXPORT MemoryPlan predict_memory(const Model& model, const SessionOptions& options, int tokens, int sessions = 1);

/// Everything that a model's file says but the weights: enough to plan with, and read in a fraction of the time and
/// memory that loading takes. Immutable and cheap to copy; usable from several threads at once.
class PITH_EXPORT ModelOutline {
 public:
  /// Reads the header, checks it as Model::load() does and looks at no tensor's data. ModelOptions::arithmetic
  /// says how weights would be held; manifest, threads and progress are not used. Throws Error as Model::load() does.
  static ModelOutline read(const std::filesystem::path& path, const ModelOptions& options = {});

  /// What Model::info() of the loaded model says.
  const ModelInfo& info() const noexcept;
  /// Bytes of the model's files together.
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }

  /// As the functions of these names do for a loaded model.
  KvStats predict_kv(const KvOptions& kv, int tokens) const;
  MemoryPlan predict_memory(const SessionOptions& options, int tokens, int sessions = 1) const;

 private:
  ModelOutline(Model model, std::uint64_t file_bytes);

  /// Has no weights, so no session may be made of it.
  Model model_;
  std::uint64_t file_bytes_ = 0;
};

}  // namespace pith::inline v0_1
