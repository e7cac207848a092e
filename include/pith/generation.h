#pragma once

#include <pith/export.h>
#include <pith/token.h>

#include <string>
#include <vector>

namespace pith::inline v0_1 {

enum class FinishReason {
  kEnd,        ///< The model ended its turn.
  kLength,     ///< GenerateOptions::tokens_max was reached.
  kContext,    ///< The session's context is full.
  kStop,       ///< One of GenerateOptions::stop appeared.
  kCancelled,  ///< The callback returned false or the stop token was triggered.
};

PITH_EXPORT const char* to_string(FinishReason reason) noexcept;

struct TokenLogprob {
  Token token = 0;
  float logprob = 0;  ///< Natural logarithm of the probability.
};

/// What a model gave a token before it was fed or drawn: by its own logits, before hook, bias, penalties and
/// temperature.
struct TokenScore {
  Token token = 0;
  float logprob = 0;
  /// 1: the likeliest. Of equally likely tokens the lower id comes first.
  int rank = 0;
  /// The likeliest tokens, likeliest first, as many as were asked for.
  std::vector<TokenLogprob> top{};
};

struct Generation {
  std::string text;
  /// What was drawn. Its last token has not been fed where `reason` is kStop, kContext or kCancelled: Session::tokens()
  /// says what was.
  std::vector<Token> tokens;
  /// By token, if GenerateOptions::logprobs asks for it.
  std::vector<TokenScore> scores{};
  FinishReason reason = FinishReason::kLength;
  /// Tokens of the prompt that were fed; fewer than it has where it was cancelled.
  int prompt_tokens = 0;
  /// In a chat: tokens that were computed again on the way back to where the conversation was changed.
  int recomputed_tokens = 0;
  /// Of prompt lookup: tokens that were proposed, and those of them that were drawn.
  int lookup_proposed = 0;
  int lookup_accepted = 0;
  double prompt_seconds = 0;
  double decode_seconds = 0;
};

}  // namespace pith::inline v0_1
