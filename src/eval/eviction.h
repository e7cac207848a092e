#pragma once

#include <pith/eviction.h>
#include <pith/session.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

// Measures what eviction policies cost: how well a model predicts after a share of its context has been evicted. One
// prefill observes what all policies need, and is forked for each of them.
namespace pith::eval {

struct EvictionSetup {
  /// Names of policies. "random" and "window", the baselines that any other must beat, are added if they are missing.
  std::vector<std::string> policies{};
  /// Shares of the tokens to evict, in [0, 1).
  std::vector<double> ratios = {0.25, 0.5, 0.75, 0.9};
  /// Sinks, recent tokens, selector, seed and registry for all policies, and an allocator if all are to use the same.
  /// Its policy and budgets are ignored.
  EvictionOptions common{};
  KvOptions kv{};
  int threads = 0;
};

/// A policy with a share of the tokens evicted.
struct EvictionCase {
  std::string policy;
  double ratio = 0;
  /// Why there are no figures: the policy needs something that is not available. Empty otherwise.
  std::string unsupported{};
  /// Means over all measurements after a compaction: tokens that a KV head holds, the share of tokens evicted
  /// (protected tokens may keep it below the ratio), bytes of the cache and of the policies' data.
  double held_tokens = 0;
  double evicted_share = 0;
  double bytes = 0;
};

/// Returns the missing controls, then the given policies, each once.
std::vector<std::string> with_controls(std::span<const std::string> policies);

/// Returns the setup with the controls added. Throws Error: kUnsupported for an unknown name, kInvalidArgument for a
/// ratio outside [0, 1).
EvictionSetup checked(EvictionSetup setup);

/// Returns all policies with all ratios, policy by policy.
std::vector<EvictionCase> cases_of(const EvictionSetup& setup);

/// Creates a session that observes what all policies of the setup need and evicts nothing by itself.
Session observing_session(const Model& model, const EvictionSetup& setup, int context);

/// Returns round((1 - ratio) * tokens).
std::size_t budget_of(double ratio, int tokens);

/// Forks a session and compacts the fork as the case says. Returns nothing, and records the reason in the case, if the
/// policy cannot run. Adds a measurement of the given weight to the case's means.
std::optional<Session> compacted(const Session& session, const EvictionSetup& setup, EvictionCase& which,
                                 double weight);

/// Reports the measurement that has just been made.
struct EvictionStep {
  std::size_t done = 0;
  std::size_t total = 0;
  /// For people: "chunk 1, h2o, half evicted".
  std::string what;
};

using EvictionProgress = std::function<void(const EvictionStep& step)>;

}  // namespace pith::eval
