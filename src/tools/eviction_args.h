#pragma once

#include <pith/pith.h>

#include <string>
#include <utility>

#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/output.h"

namespace pith::tools {

/// What a session is to forget, and when.
struct EvictionArgs {
  /// Name and parameters, as parse_part() reads them.
  std::string policy;
  std::string allocator;
  /// The rest.
  EvictionOptions chosen{};

  Policies policies{};

  /// --evict, --budget, --budget-bytes and those below.
  void add_to(Command& app, const Policies& known);
  /// --sinks, --recent, --evict-interval, --allocator, --selector.
  void add_parts_to(Command& app, const Policies& known);
  /// Names are the library's to check. Throws Error(kInvalidArgument) for a policy without a budget: it
  /// would never be asked.
  EvictionOptions options() const;
};

/// "h2o", or "h2o:decay=0.9,grace=8" with parameters. Throws Error(kInvalidArgument) if it is nothing of the kind.
std::pair<std::string, PolicyParameters> parse_part(const std::string& text);
/// As parse_part() reads it.
std::string part_name(const std::string& name, const PolicyParameters& parameters);
/// "window, h2o, ... or random": every policy's name.
std::string policy_list(const Policies& policies);
/// All options of eviction; null without a policy.
Json eviction_json(const EvictionOptions& options);
/// Returns the policy and its budget for a table's last line: "h2o, 512 tokens per head".
std::string eviction_name(const EvictionOptions& options);

}  // namespace pith::tools
