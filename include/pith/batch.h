#pragma once

#include <pith/export.h>
#include <pith/model.h>
#include <pith/session.h>
#include <pith/threads.h>
#include <pith/token.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <stop_token>

namespace pith::inline v0_1 {

struct BatchOptions {
  /// Tokens of all sessions together that go through the model at once, 1 to 4096. Results do not depend on it.
  int batch_tokens = 384;
  /// Threads; 0: those of the session in the first step. Results do not depend on it.
  int threads = 0;
  /// Instead: threads of yours. `threads` is 0 then.
  std::shared_ptr<const WorkerPool> workers{};
};

/// Feeds several sessions of one model together: a pass reads the weights once for all of them, so that eight sessions
/// decode several times as many tokens per second as one. Each session ends up as if Session::feed() had fed it alone,
/// bit for bit: logits, cache, everything. Sessions may have different options, codecs, policies and depths; prompts
/// and single tokens may be mixed.
///
///     pith::Batch batch(model);
///     for (pith::Session& session : sessions) batch.add(session, session.sample());
///     batch.run();
///
/// Used by one thread at a time, and so are the sessions in it while run() runs.
class PITH_EXPORT Batch {
 public:
  /// Throws Error(kInvalidArgument) for options out of range.
  explicit Batch(Model model, const BatchOptions& options = {});
  ~Batch();
  Batch(Batch&&) noexcept;
  Batch& operator=(Batch&&) noexcept;

  /// Adds a step: these tokens go into this session. The session must live until the results have been read; the tokens
  /// are copied. After run(), the first step begins a new batch. Returns the number of the step, from 0. Throws
  /// Error(kInvalidArgument) for a session of another model, and for one that has a step already.
  std::size_t add(Session& session, std::span<const Token> tokens);
  std::size_t add(Session& session, Token token) { return add(session, std::span<const Token>(&token, 1)); }
  /// Returns the number of steps.
  std::size_t size() const noexcept;

  /// Feeds what was added. What one step throws (all that Session::feed() does) ends that step alone, whose session is
  /// left as feed() leaves it: see error(). A stop request ends all between passes: what was fed stays. Returns false
  /// then. Does nothing if nothing was added since it ran last.
  bool run(const std::stop_token& stop = {});

  /// Throws what the first step threw that threw anything, for callers to whom one failure is all.
  void rethrow_error() const;
  /// Returns what a step threw, null if nothing. Throws Error(kInvalidArgument) for a step that there is not.
  std::exception_ptr error(std::size_t step) const;
  /// Returns the logits [vocab] after the last token that a step fed: Session::logits() of its session. Throws what the
  /// step threw.
  std::span<const float> logits(std::size_t step) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pith::inline v0_1
