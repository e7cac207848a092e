#pragma once

#include <pith/session.h>

#include <span>

namespace pith::session {

/// log(sum of e^logit): what turns a logit into a log-probability when it is subtracted. Summed in double in the order
/// of ids, so the same for the same logits whatever the batch.
double log_sum_exp(std::span<const float> logits);

/// How the logits [vocabulary] score a token of theirs, with the `top` likeliest ones. Throws Error(kNumeric) for
/// logits that are not finite, kInvalidArgument for a token outside of them.
TokenScore score_token(std::span<const float> logits, Token token, int top);

/// Throws Error(kInvalidArgument) if `top`, named `name` in the message, is outside [least, vocab].
void check_top(const char* name, int top, int least, int vocab);

/// The `count` likeliest tokens with their log-probabilities, likeliest first; of equally likely ones the lower id.
std::vector<TokenLogprob> likeliest(std::span<const float> logits, std::size_t count);

}  // namespace pith::session
