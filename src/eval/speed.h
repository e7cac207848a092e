#pragma once

#include <pith/kv_options.h>
#include <pith/machine.h>
#include <pith/model.h>
#include <pith/stats.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

// Measures how fast prompts and tokens run at some depth of context, with each KV cache, beside what the machine could
// do at most. Non-goals: quality; other engines (bench/compare).
namespace pith::eval {

struct SpeedOptions {
  /// Forms of the cache to measure.
  std::vector<KvOptions> caches{};
  /// Tokens in the cache when a measurement begins, in any order.
  std::vector<int> depths{0};
  /// Tokens of the prompt fed at each depth; 0: none.
  int prompt = 512;
  /// Tokens fed one by one after the prompt; 0: none.
  int decode = 64;
  /// Sessions that decode together (Batch) after the one that decodes alone, at the same depth; 1: none.
  int parallel = 1;
  /// How often everything is measured. Caches take turns within a round.
  int rounds = 3;
  /// Tokens that a session can hold; 0: the length that the model was trained for.
  int context = 0;
  /// Number of threads; 0: one per processor.
  int threads = 0;
  /// Whether the machine's limits are measured too, at the beginning of each round.
  bool limits = true;
};

/// Distribution over rounds.
struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// Returns all zeros for no values. The median of an even number of values is the mean of the middle two.
Spread spread_of(std::vector<double> values);

/// Returns the slope of the least-squares line through points (x[i], y[i]) with errors in y; nothing for fewer than two
/// different x.
std::optional<double> least_squares_slope(std::span<const double> x, std::span<const double> y);

/// Tokens that were fed as a batch or one by one.
struct SpeedRun {
  int tokens = 0;
  /// Tokens in the cache before the first of them.
  int depth = 0;
  /// By round.
  std::vector<double> seconds;

  Spread tokens_per_second() const;
};

/// One cache at one depth.
struct SpeedRow {
  int depth = 0;
  SpeedRun prompt;
  /// Products and additions in the prompt's matrices and in its attention.
  double prompt_operations = 0;
  SpeedRun decode;
  /// The tokens of all sessions that decode together.
  SpeedRun together;
  /// Bytes that a decoded token reads: the weights, and the cache's contents (mean of before and after).
  double decode_bytes = 0;
  /// The cache at the end of the measurement.
  KvStats kv_stats;

  /// Returns the share of the machine's limit that the median reaches.
  double share_of_int8(const MachineLimits& limits) const;
  /// Returns how many times the tokens per second of one session those that decode together reach.
  Spread together_over_one() const;
  double share_of_memory(const MachineLimits& limits) const;
};

struct SpeedCache {
  KvOptions kv;
  /// By depth, ascending.
  std::vector<SpeedRow> rows;

  /// Returns how much one more token in the context slows down a decoded token: the least-squares slope of its time
  /// over the tokens held, for each round. Nothing for fewer than two depths.
  std::optional<Spread> seconds_per_context_token() const;
};

struct SpeedResult {
  std::vector<SpeedCache> caches;
  /// The best of all rounds.
  std::optional<MachineLimits> limits;
  /// Read rate of as many bytes as a token's weights take. Above the memory's rate if the caches hold them.
  double weights_read_bytes_per_second = 0;
};

/// Reports the measurement that has just been made.
struct SpeedStep {
  int round = 0;
  int rounds = 0;
  /// Null: the limits.
  const KvOptions* kv = nullptr;
  const SpeedRow* row = nullptr;
  const MachineLimits* limits = nullptr;
};

using SpeedProgress = std::function<void(const SpeedStep& step)>;

/// Feeds the same random tokens to a session of each cache. Rising depths extend one sequence, so that each context is
/// fed once per round. Throws Error before feeding anything: kInvalidArgument for invalid options, kContextFull if the
/// deepest measurement does not fit, kUnsupported for an unknown codec.
SpeedResult measure_speed(const Model& model, const SpeedOptions& options, const SpeedProgress& on_step = {});

}  // namespace pith::eval
