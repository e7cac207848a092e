#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "kv/append.h"
#include "kv/attend.h"
#include "kv/cache.h"
#include "kv/scratch_layout.h"
#include "model/buffers.h"
#include "model/rope.h"

namespace pith::model {

class ModelImpl;

/// All the memory that a forward pass needs besides the model and the cache: activations, positions, staging area,
/// softmax states, logits. It carries nothing from one batch to the next, so sessions lend it to each other. One owner
/// at a time.
struct Workspace {
  Workspace(const ModelImpl& model, const kv::Cache& cache, std::size_t tokens_max, int workers_max);

  std::size_t bytes() const;

  const std::size_t tokens;  ///< Tokens of a batch, at most.
  const int workers;         ///< Size of the thread pool, at most.
  const kv::ScratchLayout layout;
  Buffers buffers;
  Rope rope;
  Rope local_rope;
  kv::Staging staging;
  kv::Attention attention;
  Buffer<float> logits;        ///< [rows, vocab], as many rows as were asked for at once so far.
  std::size_t lent_bytes = 0;  ///< bytes() when it was lent: WorkspacePool's account.
};

/// The workspaces of a model's sessions. A session takes one for the time of a feed, so that there are as many as feeds
/// run at once, however many sessions there are. Thread-safe.
class WorkspacePool {
 public:
  /// Gives its workspace back when it goes.
  class Lease {
   public:
    Lease(WorkspacePool& pool, std::unique_ptr<Workspace> workspace) : pool_(&pool), workspace_(std::move(workspace)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (workspace_) pool_->give_back(std::move(workspace_));
    }

    Workspace& operator*() const { return *workspace_; }

   private:
    WorkspacePool* pool_;
    std::unique_ptr<Workspace> workspace_;
  };

  /// A workspace for batches of `tokens` tokens of this cache. The smallest one that fits and is free, or a new one: of
  /// `tokens_max` tokens, or of far fewer where a few are asked for, as when decoding.
  Lease take(const ModelImpl& model, const kv::Cache& cache, std::size_t tokens, std::size_t tokens_max, int workers);
  /// Frees those that nobody has at the moment.
  void clear();
  /// What is held at the moment: by feeds that run, and for the next ones.
  std::size_t bytes() const;

 private:
  void give_back(std::unique_ptr<Workspace> workspace) noexcept;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
  std::size_t lent_bytes_ = 0;
};

}  // namespace pith::model
