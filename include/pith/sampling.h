#pragma once

#include <pith/candidates.h>
#include <pith/export.h>
#include <pith/random.h>
#include <pith/sampler_stage.h>
#include <pith/token.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pith::inline v0_1 {

/// How the next token is drawn. The defaults are greedy. The stages run in this order, those with their defaults not at
/// all: logit_bias, penalties (repetition, presence, frequency), dry, no_repeat_ngram, `stages` of your own,
/// temperature, top_k, typical_p, top_p, min_p, xtc, mirostat. With temperature 0 nothing after it has an effect. For
/// another order, make a Sampler of stages. pith/sampler_stage.h has each stage's formula and paper.
struct SamplingOptions {
  /// 0: greedy. Otherwise logits are divided by it.
  float temperature = 0.0F;
  /// Keep the k likeliest tokens; 0: all.
  int top_k = 0;
  /// Keep the smallest set of likeliest tokens whose probability reaches top_p; 1: all. (Holtzman et al., 1904.09751)
  float top_p = 1.0F;
  /// Keep tokens at least min_p times as likely as the likeliest; 0: all. (Nguyen et al., 2407.01082)
  float min_p = 0.0F;
  /// Positive logits of recent tokens are divided by it, negative ones multiplied; 1: none. (Keskar et al., 1909.05858)
  float repetition_penalty = 1.0F;
  /// Subtracted once from the logit of each recent token.
  float presence_penalty = 0.0F;
  /// Subtracted from the logit of each recent token as often as it occurred.
  float frequency_penalty = 0.0F;
  /// How many of the newest tokens the penalties look at; 0: none, -1: all.
  int penalty_window = 64;
  /// Added to the logits of these tokens first.
  std::map<Token, float> logit_bias{};
  std::uint64_t seed = 0;
  /// Keep the tokens whose surprise is nearest to the expected one, until their probability reaches typical_p; 1: all.
  /// (Meister et al., 2202.00666)
  float typical_p = 1.0F;
  /// How often the likeliest tokens are cut, all that reach xtc_threshold but the least likely of them; 0: never.
  float xtc_probability = 0.0F;
  /// Above 0.5 nothing is ever cut.
  float xtc_threshold = 0.1F;
  /// The penalty of a token that prolongs a repetition is dry_multiplier * dry_base^(length - dry_allowed_length),
  /// where that length is not negative; 0: none.
  float dry_multiplier = 0.0F;
  float dry_base = 1.75F;
  int dry_allowed_length = 2;
  /// How many of the newest tokens are searched for repetitions; 0: none, -1: all.
  int dry_window = -1;
  /// Repetitions do not reach over these sequences of tokens; dry_breakers() makes them from texts. None by default: a
  /// tokenizer is needed for those that are usual.
  TokenSequences dry_breakers{};
  /// The surprise that mirostat 2 aims at, in bits per token; 0: no mirostat. (Basu et al., 2007.14966)
  float mirostat_tau = 0.0F;
  /// How fast it learns.
  float mirostat_eta = 0.1F;
  /// No sequence of so many tokens occurs twice, the prompt's included; 0: any may.
  int no_repeat_ngram = 0;
  /// Stages of your own, in their order. A session that has any cannot be saved.
  SamplerStages stages{};
};

/// The state of a stage, as Sampler::stage_states() tells it.
struct StageState {
  std::string name;
  std::vector<std::byte> bytes;
};

/// Draws tokens from logits, stage by stage. Given the stages, the seed, the logits and the history, what it draws is
/// the same on every platform, bit for bit: no function of the C library is used, and sums run in a fixed order. Takes
/// one random number for each token unless it is greedy (and one more with XTC). Keeps its buffers between calls. A
/// copy goes on from the same state, independent of the original. Not thread-safe.
class PITH_EXPORT Sampler {
 public:
  /// `vocab`: tokens of the vocabulary. Throws Error(kInvalidArgument) for an option out of range, naming it, its value
  /// and the limit.
  Sampler(const SamplingOptions& options, int vocab);
  /// Runs these stages and no others, at temperature 1 unless one of them says otherwise: as options with `stages`,
  /// `seed` and temperature 1 do, for a vocabulary of any size. Throws Error(kInvalidArgument) for a null stage.
  explicit Sampler(SamplerStages stages, std::uint64_t seed = 0);
  /// Clones the stages; does not copy the buffers.
  Sampler(const Sampler& other);
  Sampler(Sampler&&) noexcept = default;
  Sampler& operator=(const Sampler& other);
  Sampler& operator=(Sampler&&) noexcept = default;
  ~Sampler() = default;

  /// Draws a token. logits: [vocab]. history: the tokens so far, oldest first; ids outside the vocabulary have no
  /// effect. Of equally likely tokens the lower id comes first. Throws Error: kNumeric if a logit is NaN or infinite,
  /// or becomes so by a stage; kInvalidArgument if their number is not the vocabulary's or the stages leave no token.
  Token sample(std::span<const float> logits, std::span<const Token> history);
  /// The same for logits of which some may be -inf: these tokens are banned. For masks that others made, such as a
  /// grammar's.
  Token sample_masked(std::span<const float> logits, std::span<const Token> history);

  /// Returns the bytes of the buffers that are kept between calls, those of the stages included. Drawing from the whole
  /// vocabulary takes about 20 bytes for each of its tokens.
  std::size_t buffer_bytes() const noexcept;

  const SamplingOptions& options() const noexcept { return options_; }
  /// The random generator: with it, and with stage_states(), a sampler goes on where another one stopped.
  const RngState& rng_state() const noexcept { return rng_.state(); }
  void set_rng_state(const RngState& state) noexcept { rng_ = Rng(state); }
  /// Returns the states of the stages that have one, in their order.
  std::vector<StageState> stage_states() const;
  /// Throws Error(kFormat) if the stages with a state are others than those of this sampler, or a state is impossible.
  void set_stage_states(std::span<const StageState> states);

 private:
  Candidate draw();

  SamplingOptions options_;
  std::size_t vocab_ = 0;  ///< 0: any.
  std::vector<std::unique_ptr<SamplerStage>> stages_;
  Rng rng_;
  Candidates candidates_;
};

}  // namespace pith::inline v0_1
