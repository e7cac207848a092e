#pragma once

#include <pith/model.h>
#include <pith/session_options.h>
#include <pith/stats.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// Measures how the KV cache's form changes a model's predictions: their Kullback-Leibler divergence from those of the
// same weights, with the same arithmetic, on a baseline's cache.
namespace pith::eval {

struct KlText {
  std::string name;
  std::string text;
};

struct KlOptions {
  /// Each needs a name of its own.
  std::vector<KlText> texts{};
  /// Tokens per chunk; the second half of each is scored (TextChunks).
  int context = 2048;
  /// 0: feeds tokens in batches. Otherwise scores only so many predictions, the last ones of each chunk, and feeds
  /// their tokens one by one, as decoding does, which is the case that KvOptions::read_share affects.
  int decode = 0;
  /// Chunks per text; 0: all that it has.
  int chunks = 0;
  /// The cache that the others are compared with.
  KvOptions baseline{"f32"};
  std::vector<KvOptions> codecs{};
  /// A cache that is mathematically equal to the baseline but rounds differently. Divergences near its own are noise.
  /// None if empty.
  std::optional<KvOptions> floor{};
  /// Eviction in the codecs' sessions; the baseline and the floor evict nothing.
  EvictionOptions eviction{};
  /// Number of threads; 0: one per processor. Results do not depend on it.
  int threads = 0;
};

/// The score of one prediction, in nats.
struct KlScore {
  double kl = 0;            ///< KL(baseline || codec) of the next token.
  double nll = 0;           ///< Negative log-likelihood of the true next token.
  double baseline_nll = 0;  ///< The same with the baseline's cache.
  bool top_agrees = false;  ///< Whether the likeliest token is the same with both.
};

/// Figures over many scores. Quantiles are interpolated linearly; standard errors treat scores as independent.
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
  double perplexity_ratio = 0;  ///< Relative to the baseline's.
  double perplexity_ratio_standard_error = 0;
};

/// Returns all zeros for no scores.
KlFigures figures_of(std::span<const KlScore> scores);

/// One form of the cache.
struct KlRow {
  KvOptions kv;
  bool is_floor = false;
  /// Bits per element of the cache after a chunk, metadata included.
  double bits = 0;
  /// The same for a cache of 8,191 tokens without eviction, predicted. The open page is full then, so it is the most
  /// that 8k tokens take.
  double bits_8k = 0;
  /// The cache after a chunk.
  KvStats kv_stats;
  /// All texts together.
  KlFigures total;
  /// By text, in the order of KlResult::texts.
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
  /// Over all texts.
  std::size_t chunks = 0;
  std::size_t tokens_scored = 0;
};

/// Reports the chunk that has just been measured.
struct KlStep {
  std::size_t done = 0;
  std::size_t total = 0;  ///< Chunks of all texts.
  std::string_view text;
  /// Tokens fed per second, all caches together.
  double tokens_per_second = 0;
  struct Row {
    const KvOptions& kv;
    bool is_floor = false;
    double mean = 0;  ///< KL so far.
  };
  std::vector<Row> rows;
};

using KlProgress = std::function<void(const KlStep& step)>;

/// Feeds each chunk to a session of each cache in lockstep. Throws Error before feeding anything: kInvalidArgument for
/// invalid options or texts that are too short, kUnsupported for an unknown codec.
KlResult measure_kl(const Model& model, const KlOptions& options, const KlProgress& on_step = {});

}  // namespace pith::eval
