#include "session/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "base/fail.h"
#include "session/exp_weight.h"

namespace pith::session {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

void check_range(const char* name, float value, float low, float high) {
  if (value >= low && value <= high) return;
  fail(ErrorKind::kInvalidArgument, "{} is {}, allowed are {} to {}", name, value, low, high);
}

void check_bias(const std::map<Token, float>& bias, int vocab) {
  for (const auto& [token, value] : bias) {
    if (token < 0 || token >= vocab) {
      fail(ErrorKind::kInvalidArgument, "logit_bias names token {}, which is outside the vocabulary of {}", token,
           vocab);
    }
    // Minus infinity bans a token.
    if (!(value < kInfinity)) {
      fail(ErrorKind::kInvalidArgument, "logit_bias of token {} is {}, must be a number or -inf", token, value);
    }
  }
}

/// The options, if they are in range.
const SamplingOptions& checked(const SamplingOptions& options, int vocab) {
  constexpr float kMax = std::numeric_limits<float>::max();
  if (vocab <= 0) fail(ErrorKind::kInvalidArgument, "the vocabulary has {} tokens, must have at least 1", vocab);
  check_range("temperature", options.temperature, 0.0F, kMax);
  if (options.top_k < 0) fail(ErrorKind::kInvalidArgument, "top_k is {}, must be at least 0", options.top_k);
  check_range("top_p", options.top_p, 0.0F, 1.0F);
  check_range("min_p", options.min_p, 0.0F, 1.0F);
  if (!(options.repetition_penalty > 0.0F && options.repetition_penalty <= kMax)) {
    fail(ErrorKind::kInvalidArgument, "repetition_penalty is {}, must be above 0 and finite",
         options.repetition_penalty);
  }
  check_range("presence_penalty", options.presence_penalty, -kMax, kMax);
  check_range("frequency_penalty", options.frequency_penalty, -kMax, kMax);
  if (options.penalty_window < -1) {
    fail(ErrorKind::kInvalidArgument, "penalty_window is {}, must be at least -1", options.penalty_window);
  }
  check_bias(options.logit_bias, vocab);
  return options;
}

/// Whether every value is a finite number: none has all bits of its exponent set.
bool all_finite(std::span<const float> values) noexcept {
  constexpr std::uint32_t kExponent = 0x7F800000U;
  std::uint32_t bad = 0;
  for (const float value : values) {
    bad |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & kExponent) == kExponent);
  }
  return bad == 0;
}

[[noreturn]] void fail_not_finite(std::span<const float> logits) {
  const auto first = std::find_if(logits.begin(), logits.end(), [](float x) { return !std::isfinite(x); });
  fail(ErrorKind::kNumeric, "the logit of token {} is {}", first - logits.begin(), *first);
}

constexpr std::size_t kOctaves = 1024;

/// 0 for a weight of 1, 1 for [1/2, 1), and so on; the last for 0.
std::size_t octave(double weight) noexcept {
  constexpr std::uint64_t kExponentOfOne = 1023;
  return static_cast<std::size_t>(kExponentOfOne - (std::bit_cast<std::uint64_t>(weight) >> 52));
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, int vocab)
    : options_(checked(options, vocab)),
      vocab_(static_cast<std::size_t>(vocab)),
      penalties_(options, vocab),
      rng_(options.seed) {
  for (const auto& [token, value] : options.logit_bias) bias_.emplace_back(static_cast<std::size_t>(token), value);
}

Token Sampler::sample(std::span<const float> logits, std::span<const Token> history) {
  if (logits.size() != vocab_) {
    fail(ErrorKind::kInvalidArgument, "{} logits for a vocabulary of {}", logits.size(), vocab_);
  }
  if (!all_finite(logits)) fail_not_finite(logits);
  logits = adjust(logits, history);
  const auto best = std::max_element(logits.begin(), logits.end());
  if (*best == -kInfinity) fail(ErrorKind::kInvalidArgument, "logit_bias bans every token");
  if (*best == kInfinity) {
    fail(ErrorKind::kNumeric, "the logit of token {} with its bias and penalties is infinite", best - logits.begin());
  }
  if (options_.temperature == 0.0F) return static_cast<Token>(best - logits.begin());

  if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < vocab_) {
    take_top_k(logits, *best);
  } else {
    take_all(logits, *best);
  }
  if (options_.top_p < 1.0F) keep_top_p();
  if (options_.min_p > 0.0F) keep_min_p();
  return draw();
}

std::span<const float> Sampler::adjust(std::span<const float> logits, std::span<const Token> history) {
  if (bias_.empty() && !penalties_.active()) return logits;
  adjusted_.assign(logits.begin(), logits.end());
  for (const auto& [token, value] : bias_) adjusted_[token] += value;
  penalties_.apply(adjusted_, history);
  return adjusted_;
}

void Sampler::take_all(std::span<const float> logits, float largest) {
  candidates_.resize(logits.size());
  const double sharpness = 1.0 / static_cast<double>(options_.temperature);
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double below = static_cast<double>(logits[i]) - static_cast<double>(largest);
    candidates_[i] = {exp_weight(below * sharpness), static_cast<Token>(i)};
  }
}

void Sampler::take_top_k(std::span<const float> logits, float largest) {
  const auto k = static_cast<std::size_t>(options_.top_k);
  const auto before = [](const Scored& a, const Scored& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
  };
  const auto cut = [&] {
    if (scored_.size() <= k) return;
    std::nth_element(scored_.begin(), scored_.begin() + static_cast<std::ptrdiff_t>(k - 1), scored_.end(), before);
    scored_.resize(k);
  };
  // Most logits are below those of k tokens seen before, which costs one comparison: the vocabulary is never sorted.
  scored_.clear();
  float threshold = -kInfinity;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!(logits[i] > threshold)) continue;
    scored_.push_back({logits[i], static_cast<Token>(i)});
    if (scored_.size() < 2 * k) continue;
    cut();
    threshold = scored_.back().logit;
  }
  cut();
  std::sort(scored_.begin(), scored_.end(), before);
  candidates_.clear();
  const double sharpness = 1.0 / static_cast<double>(options_.temperature);
  for (const Scored& scored : scored_) {
    const double below = static_cast<double>(scored.logit) - static_cast<double>(largest);
    candidates_.push_back({exp_weight(below * sharpness), scored.token});
  }
}

void Sampler::keep_top_p() {
  double total = 0.0;
  std::array<double, kOctaves> totals{};
  for (const Candidate& candidate : candidates_) {
    total += candidate.weight;
    totals[octave(candidate.weight)] += candidate.weight;
  }
  const double goal = static_cast<double>(options_.top_p) * total;
  // Only the octaves from the top that reach the goal need sorting.
  constexpr double kSlack = 1.0 - 1e-9;  // sums in another order round differently
  std::size_t last = 0;
  double covered = totals[0] * kSlack;
  while (last + 1 < kOctaves && covered < goal) covered += totals[++last] * kSlack;
  std::erase_if(candidates_, [&](const Candidate& candidate) { return octave(candidate.weight) > last; });
  std::sort(candidates_.begin(), candidates_.end(), [](const Candidate& a, const Candidate& b) {
    return a.weight > b.weight || (a.weight == b.weight && a.token < b.token);
  });
  double reached = 0.0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    reached += candidates_[i].weight;
    if (reached >= goal) candidates_.resize(i + 1);
  }
}

void Sampler::keep_min_p() {
  // The likeliest weighs 1.
  const auto least = static_cast<double>(options_.min_p);
  std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.weight < least; });
}

Token Sampler::draw() {
  double total = 0.0;
  for (const Candidate& candidate : candidates_) total += candidate.weight;
  const double goal = rng_.uniform() * total;
  double reached = 0.0;
  const Candidate* drawn = nullptr;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight == 0.0) continue;
    drawn = &candidate;
    reached += candidate.weight;
    if (reached > goal) break;
  }
  return drawn->token;
}

}  // namespace pith::session
