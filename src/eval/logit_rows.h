#pragma once

#include <pith/session.h>

#include <cstddef>
#include <span>
#include <vector>

#include "eval/divergence.h"
#include "eval/kl.h"

// Compares logits of several sessions, which are fed the same tokens piece by piece, row by row.
namespace pith::eval {

/// The logits of a piece and their softmax.
class LogitRows {
 public:
  /// `threads` 0: one per processor.
  LogitRows(std::size_t vocab, int threads);

  /// The largest number of tokens in a piece. The logits of all of them are kept, in float32 and in double.
  std::size_t rows_max() const noexcept { return softmax_.size(); }
  /// Feeds a piece to a session, as a batch or token by token, and keeps the logits after each token.
  void take(Session& session, std::span<const Token> piece, bool one_by_one = false);

  std::span<const float> logits(std::size_t row) const { return std::span(logits_).subspan(row * vocab_, vocab_); }
  const Distribution& softmax(std::size_t row) const { return softmax_[row]; }

 private:
  std::size_t vocab_;
  std::size_t threads_;
  std::vector<float> logits_;
  std::vector<Distribution> softmax_;
};

/// Appends a score for each row. `next` has the true token after each.
void score_rows(const LogitRows& baseline, const LogitRows& other, std::span<const Token> next, int threads,
                std::vector<KlScore>& scores);

}  // namespace pith::eval
