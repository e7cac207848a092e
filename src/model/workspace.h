#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "kv/core/scratch_layout.h"
#include "kv/read/attend.h"
#include "model/buffers.h"
#include "model/rope.h"
#include "model/stagings.h"
#include "model/state_blocks.h"

namespace pith::model {

class ModelImpl;

/// All memory that a forward pass needs besides the model and the cache: activations, positions, staging area, softmax
/// states, logits. Holds nothing from one pass to the next, so sessions lend it to each other. One owner at a time.
struct Workspace {
  Workspace(const ModelImpl& model, const kv::ScratchLayout& caches, std::size_t tokens_max, int workers_max);

  std::size_t bytes() const;

  const std::size_t tokens;  ///< Most tokens of a pass.
  const int workers;         ///< Largest size of the thread pool.
  const kv::ScratchLayout layout;
  Buffers buffers;
  std::vector<Rope> ropes;  ///< Those of ModelSpec::ropes.
  Stagings stagings;
  kv::Attention attention;
  StateBlocks states;
  Buffer<float> all_rows;      ///< [tokens, query | key | value] of all ranks, once a pass has been divided.
  Buffer<float> logits;        ///< [rows, vocab], as many rows as have been asked for at once so far.
  std::size_t lent_bytes = 0;  ///< bytes() when it was lent, for WorkspacePool's account.
};

/// The workspaces of a model's sessions. A session takes one for the duration of a feed, so there are as many as feeds
/// run at once, however many sessions there are. Thread-safe.
class WorkspacePool {
 public:
  /// Returns its workspace to the pool when it is destroyed.
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

  /// Returns a workspace for passes of `tokens` tokens over caches of this layout: the smallest free one that fits, or
  /// a new one. A new one is for `tokens_max` tokens, or for far fewer if few are asked for, as in decoding.
  Lease take(const ModelImpl& model, const kv::ScratchLayout& layout, std::size_t tokens, std::size_t tokens_max,
             int workers);
  /// Frees the workspaces that are not lent.
  void clear();
  /// Returns the bytes held now, by running feeds and for the next ones.
  std::size_t bytes() const;

 private:
  void give_back(std::unique_ptr<Workspace> workspace) noexcept;

  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> free_;
  std::size_t lent_bytes_ = 0;
};

}  // namespace pith::model
