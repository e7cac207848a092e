#pragma once

#include <pith/export.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pith::inline v0_1 {

class EvictionRegistry;

/// Numeric parameters by name: "decay", "window", …
using PolicyParameters = std::map<std::string, double, std::less<>>;

/// What a session evicts, and when. Remaining tokens keep their positions. Layers with a sliding window are not evicted
/// from.
struct EvictionOptions {
  /// Policy by name (builtin_policies()). Empty: nothing is evicted.
  std::string policy{};
  PolicyParameters parameters{};
  /// Allocator by name. Empty: the policy's own (EvictionPolicy::allocator()).
  std::string allocator{};
  PolicyParameters allocator_parameters{};
  std::string selector = "token";
  /// Maximum of tokens per KV head, on average over the heads of all layers without a window. At least sinks + recent +
  /// interval (196 with the defaults below), else the session throws Error(kInvalidArgument). 0: no limit but
  /// budget_bytes. If both are 0, only compact() evicts.
  std::size_t budget_tokens = 0;
  /// Maximum of bytes that the session's cache holds. 0: no limit but budget_tokens.
  std::uint64_t budget_bytes = 0;
  /// How many first tokens of the sequence are never evicted (attention sinks, StreamingLLM, arXiv 2309.17453).
  /// Independent of precision: lossy codecs keep the first 16 tokens exactly as long as they are held.
  std::size_t sinks = 4;
  /// How many of the newest tokens are never evicted.
  std::size_t recent = 64;
  /// Tokens between decisions, a multiple of 64, at most 1,048,576. Each decision makes room for this many tokens.
  /// Decisions fall on multiples of it whatever the batches, so results do not depend on batch sizes.
  std::size_t interval = 128;
  /// Further policies that Session::compact() may use: what they need to observe is gathered from the start. Only
  /// policies that observe attention or queries must be listed (docs/policies.md has a table).
  std::vector<std::string> observe{};
  std::uint64_t seed = 0;
  std::shared_ptr<const EvictionRegistry> registry{};
};

}  // namespace pith::inline v0_1
