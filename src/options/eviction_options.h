#pragma once

#include <pith/codec.h>
#include <pith/eviction_options.h>

#include <cstddef>
#include <cstdint>
#include <limits>

#include "options/table.h"

namespace pith::options {

/// Sums of sinks, recent tokens and an interval must not overflow, and no session has more tokens than this.
inline constexpr std::size_t kProtectedTokensMax = std::numeric_limits<std::int32_t>::max();

/// Policies, allocators and selectors are checked by name where they are made, their parameters by themselves.
template <>
struct Table<EvictionOptions> {
  using O = EvictionOptions;
  static constexpr std::tuple rows{
      option("policy", &O::policy, "What the KV cache forgets as it exceeds its budget, by policy")
          .on_command_line("--evict", "POLICY[:NAME=X,...]")
          .saved_since(1, 1),
      option("parameters", &O::parameters, "Parameters of the policy").saved_since(1, 2),
      option("budget_tokens", &O::budget_tokens, "Tokens that a KV head holds at most, on average; 0: no such limit")
          .on_command_line("--budget", "TOKENS")
          .saved_since(1, 6),
      option("budget_bytes", &O::budget_bytes, "Bytes that the cache holds at most; 0: no such limit")
          .on_command_line("--budget-bytes", "BYTES")
          .saved_since(1, 7),
      option("sinks", &O::sinks, "First tokens that always stay")
          .between(0, kProtectedTokensMax)
          .on_command_line("--sinks", "N")
          .saved_since(1, 8),
      option("recent", &O::recent, "Newest tokens that always stay")
          .between(0, kProtectedTokensMax)
          .on_command_line("--recent", "N")
          .saved_since(1, 9),
      option("interval", &O::interval, "Tokens between eviction decisions, a multiple of 64")
          .multiple_of(KvCodec::kPageTokens, std::size_t{1} << 20)
          .on_command_line("--evict-interval", "N")
          .saved_since(1, 10),
      option("allocator", &O::allocator, "How budgets are shared among heads")
          .on_command_line("--allocator", "NAME[:NAME=X,...]")
          .saved_since(1, 3),
      option("allocator_parameters", &O::allocator_parameters, "Parameters of the allocator").saved_since(1, 4),
      option("selector", &O::selector, "Which tokens stay, given their scores")
          .on_command_line("--selector", "NAME")
          .saved_since(1, 5),
      option("observe", &O::observe, "Further policies that may compact the session").saved_since(1, 11),
      option("seed", &O::seed, "Seed of policies that draw random numbers").saved_since(1, 12),
      option("registry", &O::registry, "Policies, allocators and selectors of a program's own").not_saved(),
  };
};
static_assert(is_complete<EvictionOptions>());

}  // namespace pith::options
