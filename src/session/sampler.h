#pragma once

#include <pith/options.h>

#include <span>
#include <utility>
#include <vector>

#include "session/penalties.h"
#include "session/rng.h"

namespace pith::session {

/// Draws tokens from logits as SamplingOptions say. Given the options, the logits and the history, what it draws is the
/// same on every platform. Takes one random number for each token unless it is greedy. Keeps its buffers between calls.
/// Not thread-safe.
class Sampler {
 public:
  /// Throws Error(kInvalidArgument) for an option out of range, naming it, its value and the limit.
  Sampler(const SamplingOptions& options, int vocab);

  /// logits: [vocab]. history: the tokens so far, oldest first, all inside the vocabulary. Of equally likely tokens the
  /// lower id comes first. Throws Error: kNumeric if a logit is NaN or infinite, kInvalidArgument if their number is
  /// not the vocabulary's or logit_bias leaves no token.
  Token sample(std::span<const float> logits, std::span<const Token> history);

  const SamplingOptions& options() const noexcept { return options_; }
  /// The generator: with it a sampler goes on where another one stopped.
  const RngState& rng_state() const noexcept { return rng_.state(); }
  void set_rng_state(const RngState& state) noexcept { rng_ = Rng(state); }

 private:
  /// A token that can still be drawn, with e^((logit - largest) / temperature).
  struct Candidate {
    double weight;
    Token token;
  };
  struct Scored {
    float logit;
    Token token;
  };

  /// Adds logit bias and penalties; gives back the input where there are none.
  std::span<const float> adjust(std::span<const float> logits, std::span<const Token> history);
  void take_all(std::span<const float> logits, float largest);
  /// The top_k likeliest, likeliest first.
  void take_top_k(std::span<const float> logits, float largest);
  void keep_top_p();
  void keep_min_p();
  Token draw();

  SamplingOptions options_;
  std::size_t vocab_;
  /// Of options_, which bans or favours tokens.
  std::vector<std::pair<std::size_t, float>> bias_;
  Penalties penalties_;
  Rng rng_;
  std::vector<float> adjusted_;
  std::vector<Scored> scored_;
  std::vector<Candidate> candidates_;
};

}  // namespace pith::session
