#pragma once

#include <pith/candidates.h>
#include <pith/export.h>
#include <pith/random.h>
#include <pith/token.h>

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

class Tokenizer;

/// What a stage may look at besides the candidates.
struct SamplingContext {
  std::span<const Token> history;  ///< All tokens so far, oldest first.
  Rng& rng;                        ///< The sampler's. A stage that uses it should take as many numbers for every token.
};

/// One step of sampling: changes logits, or cuts tokens. Derive from it to add a step of your own; stages::... make
/// those that pith has. A stage belongs to one sampler, which clones it; it is not used by two threads at once. What it
/// throws comes out of Sampler::sample() unchanged. For results that are the same on every platform, compute with
/// integers, additions and multiplications, not with the functions of <cmath>.
class PITH_EXPORT SamplerStage {
 public:
  virtual ~SamplerStage() = default;
  /// Returns a name for messages and saved states, without spaces.
  virtual std::string_view name() const = 0;
  /// Returns a copy with the same state, for another sampler (a fork's, for example).
  virtual std::unique_ptr<SamplerStage> clone() const = 0;
  virtual void apply(Candidates& candidates, const SamplingContext& context) = 0;
  /// Is told which token was drawn, as it stood in the list after all stages.
  virtual void accept(const Candidate& drawn);
  /// Returns what apply() and accept() have changed in this object, for Sampler::stage_states(); empty for none.
  virtual std::vector<std::byte> state() const;
  /// Returns the bytes that this object holds besides itself, such as buffers that apply() keeps, for
  /// Session::memory(). The default returns 0.
  virtual std::size_t buffer_bytes() const noexcept;
  /// Goes on from what state() returned. Throws Error(kFormat) for bytes that it cannot have returned.
  virtual void set_state(std::span<const std::byte> state);

 protected:
  SamplerStage() = default;
  SamplerStage(const SamplerStage&) = default;
  SamplerStage& operator=(const SamplerStage&) = default;
};

/// Stages in the order in which they run. Samplers clone them, so one list may serve many samplers.
using SamplerStages = std::vector<std::shared_ptr<const SamplerStage>>;

/// Sequences of tokens that end a repetition for stages::dry().
using TokenSequences = std::vector<std::vector<Token>>;

/// Returns the ways in which a tokenizer may write these texts: every token that has one of them inside, and every
/// token that ends in the beginning of one, followed by the rest of it. The default texts are those of DRY's author.
/// Looks at the whole vocabulary: call it once. Throws Error(kInvalidArgument) for an empty text.
PITH_EXPORT TokenSequences dry_breakers(const Tokenizer& tokenizer,
                                        const std::vector<std::string>& texts = {"\n", ":", "\"", "*"});

/// The stages that pith has, to be combined in any order. p is a token's probability among the candidates that are left
/// when the stage runs, at the temperature that holds then. Every function throws Error(kInvalidArgument), naming the
/// parameter, its value and the limit, for a value out of range. Stages that cut leave at least one token.
namespace stages {

using Stage = std::shared_ptr<const SamplerStage>;

/// Adds to the logits of these tokens; -inf bans one.
PITH_EXPORT Stage logit_bias(const std::map<Token, float>& bias);
/// Of each token in the `window` newest (-1: all): logit = logit > 0 ? logit / repetition : logit * repetition (Keskar
/// et al., 1909.05858), then logit -= presence + frequency * (how often it occurs there).
PITH_EXPORT Stage penalties(float repetition, float presence, float frequency, int window);
/// DRY, "don't repeat yourself" (p-e-w, text-generation-webui, pull request 5677). Of each token that would prolong a
/// repetition: where the `n` newest tokens stand earlier in the window too, and are followed by this token there (the
/// largest such n counts), logit -= multiplier * base^(n - allowed_length) if n >= allowed_length. A repetition does
/// not reach back over a breaker, and a token that is a breaker by itself is never penalized. Takes time in proportion
/// to `window` (-1: all tokens). multiplier >= 0 (0: no penalty), base >= 1, allowed_length >= 1.
PITH_EXPORT Stage dry(float multiplier, float base, int allowed_length, int window, TokenSequences breakers);
/// Bans every token that would complete a sequence of `length` tokens that occurred before (Paulus et al., 1705.04304);
/// 0: none.
PITH_EXPORT Stage no_repeat_ngram(int length);
/// Divides logits by the temperature; 0 leaves the likeliest token only.
PITH_EXPORT Stage temperature(float temperature);
/// Keeps the k likeliest tokens; 0: all. (Fan et al., 1805.04833)
PITH_EXPORT Stage top_k(int k);
/// Keeps the tokens whose surprise -ln p is nearest to the entropy H = -sum of p ln p, nearest first, until their p add
/// up to `p`; 1: all. (Locally typical sampling, Meister et al., 2202.00666)
PITH_EXPORT Stage typical_p(float p);
/// Keeps the likeliest tokens until their p add up to `p`; 1: all. (Nucleus sampling, Holtzman et al., 1904.09751)
PITH_EXPORT Stage top_p(float p);
/// Keeps the tokens at least `p` times as likely as the likeliest; 0: all. (Nguyen et al., 2407.01082)
PITH_EXPORT Stage min_p(float p);
/// XTC, "exclude top choices" (p-e-w, text-generation-webui, pull request 6335): with the given probability, cuts all
/// tokens with p >= threshold but the least likely one of them. Takes one random number for each token.
PITH_EXPORT Stage xtc(float probability, float threshold);
/// Mirostat 2 (Basu et al., 2007.14966): keeps the tokens whose surprise s = -log2 p is at most mu, the
/// likeliest in any case; after token x was drawn, mu -= eta * (s(x) - tau). mu begins at 2 tau. s(x) is that before
/// this stage cut, as in the authors' program (llama.cpp takes that after it). To be used last. tau >= 0, eta >= 0.
PITH_EXPORT Stage mirostat(float tau, float eta);

}  // namespace stages

}  // namespace pith::inline v0_1
