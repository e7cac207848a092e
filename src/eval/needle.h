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

// Measures how well a model finds a passkey in a long text with each form of the cache: passkey retrieval (Mohtashami
// and Jaggi, arXiv 2305.16300) by depth and length (Kamradt, "Needle in a haystack", 2023). Scores the probability of
// the true answer instead of yes or no, so that small losses show too.
namespace pith::eval {

struct NeedleOptions {
  /// Tokens per prompt, including the answer.
  std::vector<std::size_t> lengths = {1024, 2048, 4096, 8192};
  /// Positions of the needle, in per cent of the text.
  std::vector<double> depths = {0, 25, 50, 75, 100};
  /// Passkeys per length and depth, the same for all caches.
  std::size_t repeats = 1;
  std::uint64_t seed = 0;
  NeedleText text{};
  /// The cache that the others are compared with.
  KvOptions baseline{"f32"};
  std::vector<KvOptions> codecs{};
  /// Eviction in the codecs' sessions; the baseline evicts nothing.
  EvictionOptions eviction{};
  int threads = 0;
};

/// The result for one passkey.
struct NeedleScore {
  /// Mean natural logarithm of the probabilities of the answer's tokens, each after the true ones before it.
  double log_probability = 0;
  /// The worst rank among the answer's tokens; 1: the likeliest.
  std::size_t rank = 0;

  /// Returns whether greedy decoding generates the answer. It does if and only if each token is the likeliest after the
  /// true ones before it, since greedy decoding feeds exactly these tokens up to the first wrong one.
  bool recalled() const noexcept { return rank == 1; }
};

/// All passkeys at one length and depth.
struct NeedleCell {
  std::size_t length = 0;
  double depth = 0;
  /// The needle's actual position, after it moved to the end of a sentence, in per cent; mean over the passkeys.
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
  /// Mean difference of the log-probability from the baseline's, and its standard error over all passkeys and depths,
  /// which tells loss from chance. The error is 0 for a single passkey at a single depth.
  double difference = 0;
  double difference_standard_error = 0;
  /// Means over the depths, and the worst of them, of the absolute values of what the functions below return for a
  /// cell.
  double passkey_difference_mean = 0;
  double passkey_difference_worst = 0;
  double difference_mean = 0;
  double difference_worst = 0;
  double relative_difference_mean = 0;
  double relative_difference_worst = 0;
  double probability_change_mean = 0;
  double probability_change_worst = 0;
  /// Bits per element of the cache, metadata included.
  double bits = 0;
};

/// One form of the cache.
struct NeedleGrid {
  KvOptions kv;
  /// [lengths, depths]
  std::vector<NeedleCell> cells;
  /// By length.
  std::vector<NeedleSummary> summaries;

  /// "int4", or "int8/int4" if keys and values differ.
  std::string name() const;
};

struct NeedleResult {
  NeedleOptions options;
  std::vector<std::string> passkeys;
  NeedleGrid baseline;
  /// In the order of the options.
  std::vector<NeedleGrid> codecs;
};

/// Reports the cell that has just been measured.
struct NeedleStep {
  std::size_t done = 0;
  std::size_t total = 0;
  const KvOptions& kv;
  std::size_t length = 0;
  double depth = 0;
  NeedleScore score;
};

using NeedleProgress = std::function<void(const NeedleStep& step)>;

/// Returns a cell's log-probability minus the baseline's.
double difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept;
/// Returns the mean of |difference| over single passkeys, in nats, so that gains do not make up for losses.
double passkey_difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept;
/// Returns |difference| / |the baseline's|, and 0 if both are equal. Large where the baseline is almost certain, since
/// tiny differences are then a large share.
double relative_difference(const NeedleCell& cell, const NeedleCell& baseline) noexcept;
/// Returns the relative change of a token's probability (geometric mean): e^difference - 1.
double probability_change(const NeedleCell& cell, const NeedleCell& baseline) noexcept;

/// Scores a token by logits [vocab]. Among equally likely tokens the first ranks first, as in greedy decoding.
NeedleScore score_token(std::span<const float> logits, Token token);

/// Feeds a session tokens and then the answer, each of its tokens after the true ones before it. Without tokens, scores
/// the answer's first token by the logits that the session already has.
NeedleScore score_answer(Session& session, std::span<const Token> tokens, std::span<const Token> answer);

/// Feeds every prompt once with each cache. The answer is fed to the same session, so generated tokens are compressed
/// as the prompt's are. Throws Error before feeding anything: kInvalidArgument for invalid options or a text that is
/// too short (Haystack::prompt()), kUnsupported for an unknown codec.
NeedleResult measure_needle(const Model& model, std::string_view haystack, const NeedleOptions& options,
                            const NeedleProgress& on_step = {});

}  // namespace pith::eval
