#pragma once

#include <pith/model.h>
#include <pith/options.h>
#include <pith/stats.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// What a way of keeping the cache does to a model's predictions: their Kullback-Leibler divergence from those of the
// same weights, with the same arithmetic, on a baseline's cache.
namespace pith::eval {

struct KlText {
  std::string name;
  std::string text;
};

struct KlOptions {
  /// Each with a name of its own.
  std::vector<KlText> texts{};
  /// Tokens in a chunk; the second half of each is scored (TextChunks).
  int context = 2048;
  /// 0: tokens are fed together. Otherwise only so many predictions are scored, the last ones of each chunk, and their
  /// tokens are fed alone, as decoding does: what KvOptions::read_share is about.
  int decode = 0;
  /// Of each text; 0: all that it has.
  int chunks = 0;
  /// What the others are compared with.
  KvOptions baseline{"f32"};
  std::vector<KvOptions> codecs{};
  /// A cache that is mathematically the baseline, but rounded differently: its divergence says from where on figures
  /// mean something. None if empty.
  std::optional<KvOptions> floor{};
  /// What the codecs' sessions forget; the baseline and the floor forget nothing.
  EvictionOptions eviction{};
  /// 0: one for each processor. Results do not depend on it.
  int threads = 0;
};

/// What was measured where one token is predicted; nats.
struct KlScore {
  double kl = 0;            ///< KL(baseline || codec) of the next token.
  double nll = 0;           ///< Negative log-likelihood of the true next token.
  double baseline_nll = 0;  ///< The baseline's.
  bool top_agrees = false;  ///< Both find the same token the likeliest.
};

/// Figures over many scores. Quantiles lie linearly between neighbours; standard errors take scores as independent.
struct KlFigures {
  std::size_t count = 0;
  double mean = 0;
  double standard_error = 0;
  double median = 0;
  double percentile_90 = 0;
  double percentile_99 = 0;
  double percentile_99_9 = 0;
  double largest = 0;
  double top_agreement = 0;  ///< Share of scores.
  double perplexity = 0;
  double baseline_perplexity = 0;
  double perplexity_ratio = 0;  ///< To the baseline's.
  double perplexity_ratio_standard_error = 0;
};

/// Of no scores: all 0.
KlFigures figures_of(std::span<const KlScore> scores);

/// One way of keeping the cache.
struct KlRow {
  KvOptions kv;
  bool is_floor = false;
  /// Bits an element, all in, of the cache after a chunk.
  double bits = 0;
  /// The same of a cache of 8191 tokens without eviction, predicted: the open page is full, so it is the most that 8k
  /// tokens take.
  double bits_8k = 0;
  /// The cache after a chunk.
  KvStats kv_stats;
  /// Of all texts together.
  KlFigures total;
  /// Of each text, in the order of KlResult::texts.
  std::vector<KlFigures> texts;
};

struct KlTextInfo {
  std::string name;
  std::size_t chunks = 0;
  std::size_t tokens_scored = 0;
};

struct KlResult {
  int context = 0;
  KvOptions baseline;
  double baseline_bits = 0;
  std::vector<KlTextInfo> texts;
  /// In the order of the options, the floor last.
  std::vector<KlRow> rows;
  /// Of all texts.
  std::size_t chunks = 0;
  std::size_t tokens_scored = 0;
};

/// A chunk has just been measured.
struct KlStep {
  std::size_t done = 0;
  std::size_t total = 0;  ///< Chunks of all texts.
  std::string_view text;
  /// Fed, all caches together.
  double tokens_per_second = 0;
  struct Row {
    const KvOptions& kv;
    bool is_floor = false;
    double mean = 0;  ///< KL so far.
  };
  std::vector<Row> rows;
};

using KlProgress = std::function<void(const KlStep& step)>;

/// Feeds each chunk to a session of each cache in lockstep. Throws Error before anything is fed: kInvalidArgument for
/// options that make no sense or texts that are too short, kUnsupported for an unknown codec.
KlResult measure_kl(const Model& model, const KlOptions& options, const KlProgress& on_step = {});

}  // namespace pith::eval
