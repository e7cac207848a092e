#pragma once

#include <pith/eviction.h>
#include <pith/session.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

// What eviction policies cost: what a model still says once a share of its context is forgotten. One prefill observes
// what all policies need, and is forked for each of them.
namespace pith::eval {

struct EvictionSetup {
  /// By name; "random" and "window", the least that any other has to beat, are added where they are missing.
  std::vector<std::string> policies{};
  /// Shares of the tokens that are evicted, in [0, 1).
  std::vector<double> ratios = {0.25, 0.5, 0.75, 0.9};
  /// Sinks, recent tokens, selector, seed and registry of all; an allocator if all are to have the same. Its policy and
  /// budgets are not read.
  EvictionOptions common{};
  KvOptions kv{};
  int threads = 0;
};

/// A policy with a share of the tokens evicted.
struct EvictionCase {
  std::string policy;
  double ratio = 0;
  /// Why there are no figures: what the policy needs cannot be had. Empty otherwise.
  std::string unsupported{};
  /// After a compaction: tokens that a KV head holds, the share of them that went (protected tokens may keep it below
  /// the ratio), bytes of the cache and of what policies keep. Means over what was measured.
  double held_tokens = 0;
  double evicted_share = 0;
  double bytes = 0;
};

/// The controls that are missing, then the given ones, each once.
std::vector<std::string> with_controls(std::span<const std::string> policies);

/// With the controls. Throws Error: kUnsupported for an unknown name, kInvalidArgument for a ratio outside [0, 1).
EvictionSetup checked(EvictionSetup setup);

/// All policies with all ratios, policy by policy.
std::vector<EvictionCase> cases_of(const EvictionSetup& setup);

/// A session that observes what all policies of the setup need and evicts nothing by itself.
Session observing_session(const Model& model, const EvictionSetup& setup, int context);

/// round((1 - ratio) * tokens)
std::size_t budget_of(double ratio, int tokens);

/// Goes on from a session whose tokens are compacted as the case says; nothing if the policy cannot be had, which the
/// case then says. Adds to the case's means a measurement of the given weight.
std::optional<Session> compacted(const Session& session, const EvictionSetup& setup, EvictionCase& which,
                                 double weight);

/// What has just been measured.
struct EvictionStep {
  std::size_t done = 0;
  std::size_t total = 0;
  /// "chunk 1, h2o, half evicted": for people.
  std::string what;
};

using EvictionProgress = std::function<void(const EvictionStep& step)>;

}  // namespace pith::eval
