#include <pith/batch.h>

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "base/memory.h"
#include "base/worker_pool.h"
#include "options/batch_options.h"
#include "options/check.h"
#include "session/feed.h"
#include "session/snapshot.h"

namespace pith::inline v0_1 {
namespace {

struct BatchStep {
  Session::Impl* session;
  std::vector<Token> tokens;
  std::exception_ptr error;
};

/// Returns what is being handled, as Session::feed() would throw it.
std::exception_ptr error_of_a_feed() noexcept {
  try {
    with_memory_for("feed tokens", [] { throw; });
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

}  // namespace

class Batch::Impl {
 public:
  Impl(Model model, const BatchOptions& options)
      : model_(std::move(model)),
        rows_max_(session::batch_rows(model_, options::checked(options).batch_tokens)),
        pool_(pool_of(options.workers, options.threads)) {
    if (pool_ == nullptr && options.threads != 0) pool_ = model_.impl()->pool(options.threads);
  }

  std::size_t add(Session::Impl& session, std::span<const Token> tokens) {
    if (std::exchange(has_run_, false)) steps_.clear();
    if (session.model_.impl() != model_.impl())
      fail(ErrorKind::kInvalidArgument, "step {} of the batch is of a session of another model", steps_.size());
    const auto same = std::find_if(steps_.begin(), steps_.end(), [&](const auto& s) { return s.session == &session; });
    if (same != steps_.end()) {
      fail(ErrorKind::kInvalidArgument, "step {} of the batch is of the same session as step {}", steps_.size(),
           same - steps_.begin());
    }
    steps_.push_back({&session, {tokens.begin(), tokens.end()}, nullptr});
    return steps_.size() - 1;
  }

  std::size_t size() const noexcept { return steps_.size(); }

  bool run(const std::stop_token& stop) {
    if (std::exchange(has_run_, true)) return true;
    if (stop.stop_requested()) return false;
    std::deque<session::Use> uses;
    std::vector<session::Feed> feeds;
    std::vector<BatchStep*> steps;
    feeds.reserve(steps_.size());
    for (BatchStep& step : steps_) {
      try {
        uses.emplace_back(step.session->budget_);
        const std::span<const Token> left = step.session->prepare(step.tokens, false);
        if (left.empty()) continue;
        feeds.emplace_back(*step.session, left, left.size() == 1);
        steps.push_back(&step);
      } catch (...) {
        step.error = error_of_a_feed();
      }
    }
    if (feeds.empty()) return true;
    ThreadPool& pool = pool_ != nullptr ? *pool_ : *feeds.front().session().pool_;
    return session::run_feeds(feeds, pool, rows_max_, stop,
                              [&](std::size_t feed) { steps[feed]->error = error_of_a_feed(); });
  }

  const BatchStep& step(std::size_t number) const {
    if (number >= steps_.size())
      fail(ErrorKind::kInvalidArgument, "step {} of the batch was asked for, it has {}", number, steps_.size());
    return steps_[number];
  }

 private:
  Model model_;
  std::size_t rows_max_;
  std::shared_ptr<ThreadPool> pool_;  ///< Null: that of the first step's session.
  std::vector<BatchStep> steps_;
  bool has_run_ = false;
};

Batch::Batch(Model model, const BatchOptions& options)
    : impl_(with_memory_for("make a batch", [&] { return std::make_unique<Impl>(std::move(model), options); })) {}
Batch::~Batch() = default;
Batch::Batch(Batch&&) noexcept = default;
Batch& Batch::operator=(Batch&&) noexcept = default;

std::size_t Batch::add(Session& session, std::span<const Token> tokens) {
  return with_memory_for("add to a batch", [&] { return impl_->add(session::Access::impl(session), tokens); });
}

std::size_t Batch::size() const noexcept { return impl_->size(); }

bool Batch::run(const std::stop_token& stop) {
  return with_memory_for("run a batch", [&] { return impl_->run(stop); });
}

void Batch::rethrow_error() const {
  for (std::size_t step = 0; step < impl_->size(); ++step) {
    if (const std::exception_ptr& error = impl_->step(step).error; error != nullptr) std::rethrow_exception(error);
  }
}

std::exception_ptr Batch::error(std::size_t step) const { return impl_->step(step).error; }

std::span<const float> Batch::logits(std::size_t step) const {
  const BatchStep& fed = impl_->step(step);
  if (fed.error != nullptr) std::rethrow_exception(fed.error);
  return fed.session->logits();
}

}  // namespace pith::inline v0_1
