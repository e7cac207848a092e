#pragma once

#include <pith/session.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/haystack.h"

// How well a model finds a passkey in a long text with each way of keeping its cache: passkey retrieval (Mohtashami
// and Jaggi, arXiv 2305.16300) by depth and length (Kamradt, "Needle in a haystack", 2023), with what the model gives
// the true answer instead of a yes or no, so that small losses show too.
namespace pith::eval {

struct NeedleOptions {
  /// Tokens, answer included.
  std::vector<std::size_t> lengths = {1024, 2048, 4096, 8192};
  /// Where the needle lies, in per cent of the text.
  std::vector<double> depths = {0, 25, 50, 75, 100};
  /// Passkeys for each length and depth, the same for all.
  std::size_t repeats = 1;
  std::uint64_t seed = 0;
  NeedleText text{};
  /// What the others are compared with.
  KvOptions baseline{"f32"};
  std::vector<KvOptions> codecs{};
  /// What the codecs' sessions forget; the baseline forgets nothing.
  EvictionOptions eviction{};
  int threads = 0;
};

/// How one passkey fared.
struct NeedleScore {
  /// Mean natural logarithm of the probability of the answer's tokens, each after the true ones before it.
  double log_probability = 0;
  /// The worst of their ranks; 1: the likeliest.
  std::size_t rank = 0;

  /// Whether greedy decoding says the answer. It does if and only if each of its tokens is the likeliest after the true
  /// ones before it, since up to the first that is not greedy decoding has fed those same tokens.
  bool recalled() const noexcept { return rank == 1; }
};

/// All passkeys at one length and depth.
struct NeedleCell {
  std::size_t length = 0;
  double depth = 0;
  /// Where the needle really lies, given where sentences end, in per cent; mean over the passkeys.
  double depth_placed = 0;
  std::vector<NeedleScore> scores;

  double log_probability() const noexcept;
  std::size_t rank_worst() const noexcept;
  /// Share of passkeys.
  double recall() const noexcept;
};

/// All cells of one length.
struct NeedleSummary {
  std::size_t length = 0;
  /// Means over the depths.
  double log_probability = 0;
  double recall = 0;
  std::size_t rank_worst = 0;
  /// Of the log-probability to the baseline's, and its standard error over all passkeys and depths: what is lost for
  /// good, and how much of it is chance. Of a single passkey at a single depth the error is 0.
  double difference = 0;
  double difference_standard_error = 0;
  /// Means over the depths, and the worst of them, of what the functions below say of a cell, in absolute value.
  double passkey_difference_mean = 0;
  double passkey_difference_worst = 0;
  double difference_mean = 0;
  double difference_worst = 0;
  double relative_difference_mean = 0;
  double relative_difference_worst = 0;
  double probability_change_mean = 0;
  double probability_change_worst = 0;
  /// Bits an element of the cache, all in.
  double bits = 0;
};

/// One way of keeping the cache.
struct NeedleGrid {
  KvOptions kv;
  /// [lengths, depths]
  std::vector<NeedleCell> cells;
  /// By length.
  std::vector<NeedleSummary> summaries;

  /// "int4", or "int8/int4" of keys and values apart.
  std::string name() const;
};

struct NeedleResult {
  NeedleOptions options;
  std::vector<std::string> passkeys;
  NeedleGrid baseline;
  /// In the order of the options.
  std::vector<NeedleGrid> codecs;
};

/// What has just been measured.
struct NeedleStep {
  std::size_t done = 0;
  std::size_t total = 0;
  const KvOptions& kv;
  std::size_t length = 0;
  double depth = 0;
  NeedleScore score;
};

using NeedleProgress = std::function<void(const NeedleStep& step)>;

/// A cell's log-probability less the baseline's.
double difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept;
/// How far single passkeys are from the baseline: the mean of |difference|, in nats. What one gains does not make up
/// for what another loses.
double passkey_difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept;
/// |difference| / |the baseline's|; 0 if both are equal. Where the baseline is all but certain, nearly nothing is a
/// large part of it.
double relative_difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept;
/// By which part a token's probability (geometric mean) is larger than the baseline's: e^difference - 1.
double probability_change(const NeedleCell& cell, const NeedleCell& baseline) noexcept;

/// What logits [vocab] say of a token. Of equally likely ones the first ranks first, as in greedy decoding.
NeedleScore score_token(std::span<const float> logits, Token token);

/// Feeds a session tokens and then the answer, each of its tokens after the true ones before it. Without tokens the
/// answer's first one is scored by the logits that the session has.
NeedleScore score_answer(Session& session, std::span<const Token> tokens, std::span<const Token> answer);

/// Feeds every prompt once with each cache. Generated tokens are compressed as the prompt's are: the answer is fed to
/// the same session. Throws Error before anything is fed: kInvalidArgument for options that make no sense or a text
/// that is too short (Haystack::prompt()), kUnsupported for an unknown codec.
NeedleResult measure_needle(const Model& model, std::string_view haystack, const NeedleOptions& options,
                            const NeedleProgress& on_step = {});

}  // namespace pith::eval
