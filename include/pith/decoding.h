#pragma once

#include <pith/export.h>
#include <pith/session.h>

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

/// Receives the text of several continuations as it comes: the number of the continuation and whole UTF-8 characters.
/// Returning false ends that continuation.
using SamplePieceSink = std::function<bool(int sample, std::string_view piece)>;

/// Generates `count` continuations of what the session holds, each on a fork of its own, one after another; the session
/// stays as it is. Continuation i draws with the seed derive_seed(options.sampling.seed, i). The prompt is fed once,
/// before: session.feed(prompt). A stop request ends the continuation at hand with kCancelled and leaves out those
/// after it. Throws as Session::generate() and Session::fork() do, and Error(kInvalidArgument) for a negative count.
PITH_EXPORT std::vector<Generation> generate_n(const Session& session, int count, const GenerateOptions& options = {},
                                               const SamplePieceSink& on_piece = {}, const std::stop_token& stop = {});

struct BeamOptions {
  /// Sequences that are followed at once, from 1 on.
  int beams = 4;
  /// Hypotheses that are returned, at most `beams`.
  int n_best = 1;
  /// Tokens of a hypothesis, at most; from 1 on.
  int tokens_max = 64;
  /// A hypothesis of n tokens scores logprob / n^length_penalty; 0: its log-probability alone, which favours short
  /// ones.
  double length_penalty = 1.0;
  /// End a hypothesis, as the model's end-of-generation tokens do.
  std::vector<Token> stop_tokens{};
};

struct Hypothesis {
  /// Without the token that ended it.
  std::vector<Token> tokens;
  std::string text;
  /// Of all its tokens after what the session holds, the end token included, by the model's own logits.
  double logprob = 0;
  double score = 0;
  /// Whether it came to an end token; false: to tokens_max or the end of the context.
  bool ended = false;
};

/// Beam search from what the session holds: the hypotheses with the best scores, best first. Each beam is a fork, so
/// that beams share the pages of the prompt; the session stays as it is. Deterministic: of equal ones, the likelier
/// beam and the lower token id go first. Ends when no beam can reach a better score than the n_best that have ended. A
/// stop request returns the best ones so far. Throws as Session::feed() and Session::fork() do, and
/// Error(kInvalidArgument) for options out of range or a session to which nothing was fed.
PITH_EXPORT std::vector<Hypothesis> beam_search(const Session& session, const BeamOptions& options = {},
                                                const std::stop_token& stop = {});

}  // namespace pith::inline v0_1
