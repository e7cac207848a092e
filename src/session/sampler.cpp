#include <pith/sampling.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/fail.h"

namespace pith {
namespace {

void check_vocab(const SamplingOptions& options, int vocab) {
  if (vocab <= 0) fail(ErrorKind::kInvalidArgument, "the vocabulary has {} tokens, must have at least 1", vocab);
  for (const auto& [token, value] : options.logit_bias) {
    if (token < 0 || token >= vocab) {
      fail(ErrorKind::kInvalidArgument, "logit_bias names token {}, which is outside the vocabulary of {}", token,
           vocab);
    }
  }
}

/// The stages that have something to do. All are made in any case, since that checks their options.
SamplerStages stages_of(const SamplingOptions& o) {
  SamplerStages result;
  const auto add = [&](std::shared_ptr<const SamplerStage> stage, bool active) {
    if (active) result.push_back(std::move(stage));
  };
  const bool penalizes = o.repetition_penalty != 1.0F || o.presence_penalty != 0.0F || o.frequency_penalty != 0.0F;
  add(stages::logit_bias(o.logit_bias), !o.logit_bias.empty());
  add(stages::penalties(o.repetition_penalty, o.presence_penalty, o.frequency_penalty, o.penalty_window),
      penalizes && o.penalty_window != 0);
  add(stages::dry(o.dry_multiplier, o.dry_base, o.dry_allowed_length, o.dry_window, o.dry_breakers),
      o.dry_multiplier != 0.0F && o.dry_window != 0);
  add(stages::no_repeat_ngram(o.no_repeat_ngram), o.no_repeat_ngram != 0);
  for (const auto& stage : o.stages) {
    if (stage == nullptr) fail(ErrorKind::kInvalidArgument, "stages has a null pointer");
    result.push_back(stage);
  }
  const bool draws = o.temperature != 0.0F;
  add(stages::temperature(o.temperature), o.temperature != 1.0F);
  add(stages::top_k(o.top_k), draws && o.top_k != 0);
  add(stages::typical_p(o.typical_p), draws && o.typical_p != 1.0F);
  add(stages::top_p(o.top_p), draws && o.top_p != 1.0F);
  add(stages::min_p(o.min_p), draws && o.min_p != 0.0F);
  add(stages::xtc(o.xtc_probability, o.xtc_threshold), draws && o.xtc_probability != 0.0F);
  add(stages::mirostat(o.mirostat_tau, o.mirostat_eta), draws && o.mirostat_tau != 0.0F);
  return result;
}

std::vector<std::unique_ptr<SamplerStage>> cloned(const auto& stages) {
  std::vector<std::unique_ptr<SamplerStage>> result;
  result.reserve(stages.size());
  for (const auto& stage : stages) result.push_back(stage->clone());
  return result;
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

}  // namespace

Sampler::Sampler(const SamplingOptions& options, int vocab)
    : options_(options), vocab_(static_cast<std::size_t>(vocab)), rng_(options.seed) {
  check_vocab(options, vocab);
  stages_ = cloned(stages_of(options));
}

Sampler::Sampler(SamplerStages stages, std::uint64_t seed) : rng_(seed) {
  options_.temperature = 1.0F;
  options_.seed = seed;
  options_.stages = std::move(stages);
  stages_ = cloned(stages_of(options_));
}

Sampler::Sampler(const Sampler& other)
    : options_(other.options_), vocab_(other.vocab_), stages_(cloned(other.stages_)), rng_(other.rng_) {}

Sampler& Sampler::operator=(const Sampler& other) {
  if (this != &other) *this = Sampler(other);
  return *this;
}

Token Sampler::sample(std::span<const float> logits, std::span<const Token> history) {
  if (!all_finite(logits)) fail_not_finite(logits);
  return sample_masked(logits, history);
}

Token Sampler::sample_masked(std::span<const float> logits, std::span<const Token> history) {
  if (logits.empty() || (vocab_ != 0 && logits.size() != vocab_))
    fail(ErrorKind::kInvalidArgument, "{} logits for a vocabulary of {}", logits.size(), vocab_);
  candidates_.reset(logits);
  const SamplingContext context{history, rng_};
  for (const auto& stage : stages_) stage->apply(candidates_, context);
  const Candidate drawn = draw();
  for (const auto& stage : stages_) stage->accept(drawn);
  return drawn.token;
}

Candidate Sampler::draw() {
  if (candidates_.greedy()) {
    candidates_.keep_top(1);
    return candidates_.list().front();
  }
  const double goal = rng_.uniform() * candidates_.total_weight();
  double reached = 0.0;
  const auto candidates = candidates_.weighted();
  const Candidate* drawn = &candidates.front();
  for (const Candidate& candidate : candidates) {
    if (candidate.weight == 0.0) continue;
    drawn = &candidate;
    reached += candidate.weight;
    if (reached > goal) break;
  }
  return *drawn;
}

std::vector<StageState> Sampler::stage_states() const {
  std::vector<StageState> states;
  for (const auto& stage : stages_) {
    std::vector<std::byte> bytes = stage->state();
    if (!bytes.empty()) states.push_back({std::string(stage->name()), std::move(bytes)});
  }
  return states;
}

void Sampler::set_stage_states(std::span<const StageState> states) {
  std::vector<std::unique_ptr<SamplerStage>> changed = cloned(stages_);
  std::size_t next = 0;
  for (const auto& stage : changed) {
    if (stage->state().empty()) continue;
    if (next == states.size() || states[next].name != stage->name())
      fail(ErrorKind::kFormat, "there is no state for the sampler's stage \"{}\"", stage->name());
    stage->set_state(states[next++].bytes);
  }
  if (next != states.size())
    fail(ErrorKind::kFormat, "a state is of \"{}\", a stage that the sampler does not have", states[next].name);
  stages_ = std::move(changed);
}

std::size_t Sampler::buffer_bytes() const noexcept {
  std::size_t bytes = candidates_.buffer_bytes();
  for (const auto& stage : stages_) bytes += stage->buffer_bytes();
  return bytes;
}

void SamplerStage::accept(const Candidate&) {}

std::size_t SamplerStage::buffer_bytes() const noexcept { return 0; }

std::vector<std::byte> SamplerStage::state() const { return {}; }

void SamplerStage::set_state(std::span<const std::byte> state) {
  if (!state.empty())
    fail(ErrorKind::kFormat, "the stage \"{}\" has no state, {} bytes are given", name(), state.size());
}

}  // namespace pith
