#pragma once

#include <pith/chat_format.h>
#include <pith/model.h>
#include <spdlog/logger.h>

#include <memory>
#include <mutex>

#include "gguf/file.h"
#include "kernels/table.h"
#include "model/attachments.h"
#include "model/fingerprint.h"
#include "model/spec.h"
#include "model/thread_pools.h"
#include "model/weights.h"
#include "model/workspace.h"

namespace pith::model {

/// Everything that a loaded model consists of. Immutable; shared by its sessions.
class ModelImpl {
 public:
  /// What is read of a file: all of it, or everything but the weights, which is enough to plan with.
  enum class Content { kWhole, kOutline };

  ModelImpl(const std::filesystem::path& path, const ModelOptions& options, Content content = Content::kWhole);

  const ModelInfo& info() const { return info_; }
  /// Of the model's files together.
  std::uint64_t file_bytes() const { return file_bytes_; }
  const ModelSpec& spec() const { return spec_; }
  const ModelWeights& weights() const { return weights_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  const ChatTemplate& chat_template() const { return chat_template_; }
  const kernels::KernelTable& kernels() const { return *kernels_; }
  spdlog::logger& log() const { return *log_; }
  WorkspacePool& workspaces() const { return workspaces_; }
  /// Returns the processes that share the caches of the model's sessions; null: this one alone.
  const std::shared_ptr<Ranks>& ranks() const { return ranks_; }
  /// Returns what the rooms above keep with the model.
  Attachments& attachments() const { return attachments_; }
  /// Returns the pool of that many threads that the model's sessions share; 0: the pool set by ModelOptions. Safe from
  /// any thread.
  std::shared_ptr<ThreadPool> pool(int threads) const { return pools_.get(threads); }
  /// Computed at the first call, since it reads all weights. Safe from any thread.
  const Fingerprint& fingerprint() const {
    std::call_once(fingerprinted_, [&] { fingerprint_ = model::fingerprint(spec_, *tokenizer_, weights_); });
    return fingerprint_;
  }
  /// The same for model::first_fingerprint().
  const Fingerprint& first_fingerprint() const {
    std::call_once(first_fingerprinted_,
                   [&] { first_fingerprint_ = model::first_fingerprint(spec_, *tokenizer_, weights_); });
    return first_fingerprint_;
  }

 private:
  void load(const gguf::File& file, const ModelOptions& options, Content content);

  std::shared_ptr<spdlog::logger> log_;
  const kernels::KernelTable* kernels_;
  std::uint64_t file_bytes_ = 0;
  ModelSpec spec_;
  ModelWeights weights_;
  std::unique_ptr<const Tokenizer> tokenizer_;
  ChatTemplate chat_template_;
  ModelInfo info_;
  std::shared_ptr<Ranks> ranks_;
  /// State that sessions share; it is not part of the model.
  mutable WorkspacePool workspaces_;
  mutable Attachments attachments_;
  mutable ThreadPools pools_;
  mutable std::once_flag fingerprinted_;
  mutable Fingerprint fingerprint_;
  mutable std::once_flag first_fingerprinted_;
  mutable Fingerprint first_fingerprint_;
};

}  // namespace pith::model
