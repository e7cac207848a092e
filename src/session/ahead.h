#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "session/session_impl.h"

namespace pith::session {

/// A session that generates, seen token by token, and after it guesses that are fed together with a token
/// (GenerateOptions::lookup_tokens). A guess that is drawn as well costs nothing any more; the others are taken back.
/// Whoever draws sees the same tokens and logits with guesses as without. Not thread-safe.
class Ahead {
 public:
  /// Guesses at most `guesses` tokens at a time.
  Ahead(Session::Impl& session, std::size_t guesses) : session_(session), guesses_(guesses) {}

  /// What the model has seen, guesses aside, and the logits after it.
  std::span<const Token> tokens() const { return std::span(session_.state_.tokens).first(position()); }
  std::span<const float> logits() const { return used_ < rows_.size() ? rows_[used_] : session_.logits(); }
  /// The token that was drawn from these logits goes in. `left`: how many more may be drawn at most.
  void feed(Token token, int left);
  /// Takes back the guesses that were not drawn.
  void settle();

  /// Tokens that were guessed, and those of them that were drawn.
  int proposed() const { return proposed_; }
  int accepted() const { return accepted_; }

 private:
  std::size_t position() const { return session_.state_.tokens.size() - (rows_.size() - used_); }
  /// How many guesses may follow a token now, so that all that is taken back lies in the open page.
  std::size_t room(int left) const;

  Session::Impl& session_;
  std::size_t guesses_;
  /// Logits before each guess that the session holds at its end: rows_[i] are those from which the i-th would be drawn.
  /// Those after the last one are the session's own.
  std::vector<std::vector<float>> rows_;
  std::size_t used_ = 0;  ///< Guesses that were drawn.
  int proposed_ = 0;
  int accepted_ = 0;
};

}  // namespace pith::session
