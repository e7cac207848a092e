#include "model/workspace.h"

#include <algorithm>
#include <utility>

#include "model/model_impl.h"

namespace pith::model {
namespace {

/// Tokens of a workspace for decoding, drafts of prompt lookup included.
constexpr std::size_t kFewTokens = 16;
/// Free workspaces that are kept for the next feed: one for prompts, and small ones for sessions that decode at once.
constexpr std::size_t kLargeKept = 1;
constexpr std::size_t kSmallKept = 16;

std::vector<Rope> ropes_of(const ModelImpl& model, std::size_t tokens_max) {
  std::vector<Rope> ropes;
  for (const RopeParams& params : model.spec().ropes)
    ropes.emplace_back(params, frequency_factors(params, model.weights()), tokens_max);
  return ropes;
}

bool small(const Workspace& workspace) { return workspace.tokens <= kFewTokens; }

}  // namespace

Workspace::Workspace(const ModelImpl& model, const kv::ScratchLayout& caches, std::size_t tokens_max, int workers_max)
    : tokens(tokens_max),
      workers(workers_max),
      layout(caches),
      buffers(model.spec(), tokens_max),
      ropes(ropes_of(model, tokens_max)),
      stagings(model.spec(), caches, tokens_max),
      attention(caches, tokens_max, workers_max) {}

std::size_t Workspace::bytes() const {
  std::size_t total = buffers.bytes() + stagings.bytes() + attention.bytes() + logits.size() * sizeof(float);
  total += states.bytes() + all_rows.size() * sizeof(float);
  for (const Rope& rope : ropes) total += rope.bytes();
  return total;
}

WorkspacePool::Lease WorkspacePool::take(const ModelImpl& model, const kv::ScratchLayout& layout, std::size_t tokens,
                                         std::size_t tokens_max, int workers) {
  std::unique_ptr<Workspace> taken;
  {
    const std::lock_guard lock(mutex_);
    // So that giving back cannot fail.
    free_.reserve(kLargeKept + kSmallKept + 1);
    auto best = free_.end();
    for (auto it = free_.begin(); it != free_.end(); ++it) {
      const Workspace& workspace = **it;
      if (workspace.tokens < tokens || workspace.workers < workers || workspace.layout != layout) continue;
      if (best == free_.end() || workspace.tokens < (*best)->tokens) best = it;
    }
    if (best != free_.end()) {
      taken = std::move(*best);
      free_.erase(best);
    }
  }
  if (taken == nullptr) {
    const std::size_t room = tokens <= kFewTokens ? std::min(kFewTokens, tokens_max) : tokens_max;
    taken = std::make_unique<Workspace>(model, layout, std::max(tokens, room), workers);
  }
  taken->lent_bytes = taken->bytes();
  const std::lock_guard lock(mutex_);
  lent_bytes_ += taken->lent_bytes;
  return {*this, std::move(taken)};
}

void WorkspacePool::give_back(std::unique_ptr<Workspace> workspace) noexcept {
  const std::lock_guard lock(mutex_);
  lent_bytes_ -= workspace->lent_bytes;
  const auto alike = [&](const std::unique_ptr<Workspace>& other) { return small(*other) == small(*workspace); };
  const auto kept = static_cast<std::size_t>(std::count_if(free_.begin(), free_.end(), alike));
  // The one that came last fits what is done at present: an older one goes.
  if (kept >= (small(*workspace) ? kSmallKept : kLargeKept))
    free_.erase(std::find_if(free_.begin(), free_.end(), alike));
  free_.push_back(std::move(workspace));
}

void WorkspacePool::clear() {
  const std::lock_guard lock(mutex_);
  free_.clear();
}

std::size_t WorkspacePool::bytes() const {
  const std::lock_guard lock(mutex_);
  std::size_t bytes = lent_bytes_;
  for (const auto& workspace : free_) bytes += workspace->bytes();
  return bytes;
}

}  // namespace pith::model
