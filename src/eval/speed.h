#pragma once

#include <pith/machine.h>
#include <pith/model.h>
#include <pith/options.h>
#include <pith/stats.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

// Goals: how fast prompts and tokens run behind a context of some depth, with each KV cache, beside what the machine
// could do at most. Non-goals: quality; other engines (bench/compare).
namespace pith::eval {

struct SpeedOptions {
  /// Ways of keeping the cache.
  std::vector<KvOptions> caches{};
  /// Tokens held when a measurement begins; any order.
  std::vector<int> depths{0};
  /// Tokens of a prompt fed behind each depth; 0: none.
  int prompt = 512;
  /// Tokens fed one by one behind that; 0: none.
  int decode = 64;
  /// How often everything is measured. Caches take turns within a round.
  int rounds = 3;
  /// Tokens a session can hold; 0: what the model was trained for.
  int context = 0;
  /// 0: one for each processor.
  int threads = 0;
  /// Whether the machine's limits are measured too, at the beginning of each round.
  bool limits = true;
};

/// Over rounds.
struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// Of no values: all 0. Of an even number the median is the mean of the middle two.
Spread spread_of(std::vector<double> values);

/// The slope of the line through points (x[i], y[i]) with the least squares of errors in y. None of fewer than two
/// different x.
std::optional<double> least_squares_slope(std::span<const double> x, std::span<const double> y);

/// Tokens that were fed at once or one by one.
struct SpeedRun {
  int tokens = 0;
  /// Tokens held before the first of them.
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
  /// Bytes that a decoded token reads: weights, and what the cache holds (the mean of before and after).
  double decode_bytes = 0;
  /// The cache behind it all.
  KvStats kv_stats;

  /// Of what the machine can do; by the median.
  double share_of_int8(const MachineLimits& limits) const;
  double share_of_memory(const MachineLimits& limits) const;
};

struct SpeedCache {
  KvOptions kv;
  /// By depth, ascending.
  std::vector<SpeedRow> rows;

  /// By how much a token in the context makes a decoded token slower: the slope of its time over the tokens held, by
  /// least squares, of each round. None of fewer than two depths.
  std::optional<Spread> seconds_per_context_token() const;
};

struct SpeedResult {
  std::vector<SpeedCache> caches;
  /// The best of all rounds.
  std::optional<MachineLimits> limits;
  /// Read rate of as many bytes as a token's weights take: above the memory's where caches hold them.
  double weights_read_bytes_per_second = 0;
};

/// Something has just been measured.
struct SpeedStep {
  int round = 0;
  int rounds = 0;
  /// Null: of the limits.
  const KvOptions* kv = nullptr;
  const SpeedRow* row = nullptr;
  const MachineLimits* limits = nullptr;
};

using SpeedProgress = std::function<void(const SpeedStep& step)>;

/// Feeds the same random tokens to a session of each cache. Rising depths share one sequence, so that contexts are fed
/// once a round. Throws Error before anything is fed: kInvalidArgument for options that make no sense, kContextFull if
/// the deepest measurement does not fit, kUnsupported for an unknown codec.
SpeedResult measure_speed(const Model& model, const SpeedOptions& options, const SpeedProgress& on_step = {});

}  // namespace pith::eval
