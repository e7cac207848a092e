#include <pith/candidates.h>

#include <array>
#include <cmath>
#include <limits>

#include "base/fail.h"
#include "session/exp_weight.h"

namespace pith {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool is_likelier(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

/// Below infinity; false for NaN.
bool is_logit(float value) noexcept { return value < kInfinity; }

[[noreturn]] void fail_bad_logit(Token token, float logit) {
  fail(ErrorKind::kNumeric, "the logit of token {} is {} after the sampler's stages", token, logit);
}

/// The largest of them; NaN if any is NaN or positive infinity. Eight lanes, since a maximum of all in turn is slow.
float largest_of(std::span<const float> values) noexcept {
  constexpr std::size_t kLanes = 8;
  std::array<float, kLanes> best;
  best.fill(-kInfinity);
  std::array<int, kLanes> bad{};
  const std::size_t whole = values.size() / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      best[lane] = value > best[lane] ? value : best[lane];
      bad[lane] |= static_cast<int>(!is_logit(value));
    }
  }
  for (std::size_t i = whole; i < values.size(); ++i) {
    best[0] = std::max(best[0], values[i]);
    bad[0] |= static_cast<int>(!is_logit(values[i]));
  }
  const bool any_bad = std::any_of(bad.begin(), bad.end(), [](int lane) { return lane != 0; });
  return any_bad ? std::numeric_limits<float>::quiet_NaN() : *std::max_element(best.begin(), best.end());
}

}  // namespace

void Candidates::reset(std::span<const float> logits) {
  caller_ = logits;
  temperature_ = 1.0;
  order_ = Order::kById;
  copied_ = listed_ = weighted_ = has_largest_ = greedy_ = false;
}

void Candidates::make_list() {
  if (listed_) return;
  list_.resize(vocab());
  const std::span<const float> all = logits();
  for (std::size_t i = 0; i < all.size(); ++i) list_[i] = {0.0, all[i], static_cast<Token>(i)};
  listed_ = true;
}

std::span<float> Candidates::own_logits() {
  if (!copied_) own_.assign(caller_.begin(), caller_.end());
  copied_ = true;
  return own_;
}

void Candidates::logits_changed() {
  weighted_ = false;
  has_largest_ = false;
  if (order_ == Order::kLikeliestFirst) order_ = Order::kOther;
}

const Candidate* Candidates::find(Token token) const {
  if (order_ == Order::kById) {
    const auto at = std::lower_bound(list_.begin(), list_.end(), token,
                                     [](const Candidate& candidate, Token id) { return candidate.token < id; });
    return at != list_.end() && at->token == token ? &*at : nullptr;
  }
  const auto at = std::find_if(list_.begin(), list_.end(), [&](const Candidate& c) { return c.token == token; });
  return at != list_.end() ? &*at : nullptr;
}

float Candidates::logit(Token token) const {
  if (token < 0 || static_cast<std::size_t>(token) >= vocab())
    fail(ErrorKind::kInvalidArgument, "token {} is outside the vocabulary of {}", token, vocab());
  if (!listed_) return logits()[static_cast<std::size_t>(token)];
  const Candidate* candidate = find(token);
  return candidate != nullptr ? candidate->logit : -kInfinity;
}

void Candidates::set_logit(Token token, float logit) {
  if (token < 0 || static_cast<std::size_t>(token) >= vocab())
    fail(ErrorKind::kInvalidArgument, "token {} is outside the vocabulary of {}", token, vocab());
  if (!listed_) {
    own_logits()[static_cast<std::size_t>(token)] = logit;
  } else if (const Candidate* candidate = find(token)) {
    list_[static_cast<std::size_t>(candidate - list_.data())].logit = logit;
  }
  logits_changed();
}

std::span<const Candidate> Candidates::list() {
  make_list();
  return list_;
}

float Candidates::largest() {
  if (has_largest_) return largest_;
  if (listed_) {
    largest_ = -kInfinity;
    for (const Candidate& candidate : list_) {
      if (!is_logit(candidate.logit)) fail_bad_logit(candidate.token, candidate.logit);
      largest_ = std::max(largest_, candidate.logit);
    }
  } else {
    const std::span<const float> all = logits();
    largest_ = largest_of(all);
    if (std::isnan(largest_)) {
      const auto bad = std::find_if_not(all.begin(), all.end(), is_logit);
      fail_bad_logit(static_cast<Token>(bad - all.begin()), *bad);
    }
  }
  if (largest_ == -kInfinity)
    fail(ErrorKind::kInvalidArgument, "the sampler's stages leave no token: all are banned or cut");
  has_largest_ = true;
  return largest_;
}

std::span<const Candidate> Candidates::weighted() {
  // What is left of a list may be nothing but tokens too unlikely for a weight, beside what was cut.
  const auto has_weight = [](const Candidate& candidate) { return candidate.weight > 0.0; };
  if (weighted_ && std::any_of(list_.begin(), list_.end(), has_weight)) return list_;
  const auto top = static_cast<double>(largest());
  make_list();
  const double sharpness = 1.0 / temperature_;
  for (Candidate& candidate : list_)
    candidate.weight = session::exp_weight((static_cast<double>(candidate.logit) - top) * sharpness);
  weighted_ = true;
  return list_;
}

double Candidates::total_weight() {
  double total = 0.0;
  for (const Candidate& candidate : weighted()) total += candidate.weight;
  return total;
}

void Candidates::heat(double temperature) {
  using Limits = std::numeric_limits<double>;
  if (!(temperature > 0.0 && temperature <= Limits::max()))
    fail(ErrorKind::kInvalidArgument, "a temperature is {}, must be above 0 and finite", temperature);
  temperature_ = std::clamp(temperature_ * temperature, Limits::min(), Limits::max());
  weighted_ = false;
}

void Candidates::make_greedy() {
  keep_top(1);
  greedy_ = true;
}

void Candidates::keep_top(std::size_t count) {
  if (count == 0) fail(ErrorKind::kInvalidArgument, "0 candidates are to be kept, must be at least 1");
  largest();
  if (count >= size()) return;
  if (!listed_) {
    take_top_of_all(count);
  } else {
    if (order_ != Order::kLikeliestFirst)
      std::nth_element(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(count - 1), list_.end(), is_likelier);
    list_.resize(count);
  }
  sort();
}

void Candidates::take_top_of_all(std::size_t count) {
  list_.clear();
  listed_ = true;
  order_ = Order::kOther;
  const std::span<const float> all = logits();
  if (count == 1) {
    const auto first = std::find(all.begin(), all.end(), largest_);
    list_.push_back({0.0, *first, static_cast<Token>(first - all.begin())});
    return;
  }
  const auto cut = [&] {
    if (list_.size() <= count) return;
    std::nth_element(list_.begin(), list_.begin() + static_cast<std::ptrdiff_t>(count - 1), list_.end(), is_likelier);
    list_.resize(count);
  };
  // Most logits are below those of `count` tokens seen before, which costs one comparison: the vocabulary is never
  // sorted.
  float threshold = -kInfinity;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!(all[i] > threshold)) continue;
    list_.push_back({0.0, all[i], static_cast<Token>(i)});
    if (list_.size() < 2 * count) continue;
    cut();
    threshold = list_.back().logit;
  }
  cut();
}

void Candidates::sort() {
  largest();
  make_list();
  if (order_ == Order::kLikeliestFirst) return;
  std::sort(list_.begin(), list_.end(), is_likelier);
  order_ = Order::kLikeliestFirst;
}

void Candidates::keep_first(std::size_t count) {
  make_list();
  if (count >= list_.size()) return;
  list_.resize(count);
  has_largest_ = false;
}

}  // namespace pith
