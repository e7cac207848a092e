#pragma once

#include <pith/machine.h>
#include <pith/plan.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

// Goals: which context fits into a memory with each KV cache, and how fast it could be at most. Non-goals: how fast it
// is (eval/speed.h measures that), or how good (eval/kl.h).
namespace pith::eval {

struct PlanOptions {
  /// Bytes that everything together may take.
  std::uint64_t memory = 0;
  /// Ways of keeping the cache.
  std::vector<KvOptions> caches{};
  /// Sequences that are held at once, each with a context of its own.
  int sessions = 1;
  /// Tokens whose memory and speed are wanted; 0: the longest context that fits.
  int context = 0;
};

/// Bounds on tokens per second, from what the machine can do: no implementation that reads all weights and the whole
/// cache for a token, and multiplies in int8, is faster. Of one session while the others wait.
struct SpeedBound {
  double decode = 0;
  double prompt = 0;
};

struct PlanRow {
  KvOptions kv{};
  /// The longest context that fits, in whole pages of 64 tokens; 0: not even the first page does.
  int longest = 0;
  /// What the figures below are of: PlanOptions::context, or the longest.
  int tokens = 0;
  /// At `tokens`.
  MemoryPlan memory{};
  bool fits = false;
  /// Absent without limits.
  std::optional<SpeedBound> empty{};  ///< At depth 0.
  std::optional<SpeedBound> full{};   ///< At depth `tokens`.
};

/// What the machine reads and multiplies at most.
struct PlanLimits {
  MachineLimits machine{};
  /// The rate at which as many bytes as a token's weights are read: above the memory's where caches hold them.
  double weights_read_bytes_per_second = 0;
};

struct PlanResult {
  std::vector<PlanRow> rows;
  /// Memory over context of each cache, for a chart: the same contexts for all.
  std::vector<int> contexts;
  std::vector<std::vector<std::uint64_t>> totals;  ///< [rows, contexts]
};

/// Measures the limits, which takes less than a second, and the filling of at most 1 GiB. Throws what measure_limits()
/// does.
PlanLimits measure_plan_limits(const ModelInfo& model, int threads);

/// The longest context of at most 2^27 tokens, in whole pages of 64, whose memory is within `memory`.
int longest_context(const ModelOutline& model, const SessionOptions& options, int sessions, std::uint64_t memory);

/// The bounds at a depth.
SpeedBound speed_bound(const ModelOutline& model, const KvOptions& kv, int depth, const PlanLimits& limits);

/// Throws Error: kInvalidArgument for options out of range, kUnsupported for an unknown codec.
PlanResult make_plan(const ModelOutline& model, const PlanOptions& options, const std::optional<PlanLimits>& limits);

/// Memory by context, a line for each cache, beside the memory that there is and the trained context; as SVG.
std::string plan_chart(const ModelInfo& model, const PlanOptions& options, const PlanResult& result);

}  // namespace pith::eval
