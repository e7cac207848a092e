#include "session/token_scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/fail.h"
#include "session/exp_weight.h"
#include "session/log_positive.h"

namespace pith::session {

double log_sum_exp(std::span<const float> logits) {
  const double largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  if (!std::isfinite(largest)) fail(ErrorKind::kNumeric, "the largest of {} logits is {}", logits.size(), largest);
  double sum = 0.0;
  for (const float logit : logits) sum += exp_weight(static_cast<double>(logit) - largest);
  return largest + log_positive(sum);
}

namespace {

/// `total`: log_sum_exp(logits).
std::vector<TokenLogprob> likeliest_of(std::span<const float> logits, std::size_t count, double total) {
  std::vector<Token> ids(logits.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto before = [&](Token a, Token b) {
    const float x = logits[static_cast<std::size_t>(a)];
    const float y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  };
  count = std::min(count, ids.size());
  std::partial_sort(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(count), ids.end(), before);
  std::vector<TokenLogprob> top;
  top.reserve(count);
  for (const Token id : std::span(ids).first(count))
    top.push_back({id, static_cast<float>(static_cast<double>(logits[static_cast<std::size_t>(id)]) - total)});
  return top;
}

}  // namespace

std::vector<TokenLogprob> likeliest(std::span<const float> logits, std::size_t count) {
  return likeliest_of(logits, count, log_sum_exp(logits));
}

TokenScore score_token(std::span<const float> logits, Token token, int top) {
  if (token < 0 || static_cast<std::size_t>(token) >= logits.size())
    fail(ErrorKind::kInvalidArgument, "token {} is outside the vocabulary of {}", token, logits.size());
  const auto index = static_cast<std::size_t>(token);
  const float own = logits[index];
  const double total = log_sum_exp(logits);
  TokenScore score;
  score.token = token;
  score.logprob = static_cast<float>(static_cast<double>(own) - total);
  const auto likelier = std::count_if(logits.begin(), logits.end(), [&](float x) { return x > own; });
  const auto equal_before = std::count(logits.begin(), logits.begin() + static_cast<std::ptrdiff_t>(index), own);
  score.rank = static_cast<int>(likelier + equal_before) + 1;
  if (top > 0) score.top = likeliest_of(logits, static_cast<std::size_t>(top), total);
  return score;
}

void check_top(const char* name, int top, int least, int vocab) {
  if (top >= least && top <= vocab) return;
  fail(ErrorKind::kInvalidArgument, "{} is {}, allowed are {} to {}", name, top, least, vocab);
}

}  // namespace pith::session
