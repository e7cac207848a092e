#include "tools/eviction_args.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <vector>

#include "eval/fail.h"
#include "options/eviction_options.h"
#include "tools/option_flags.h"
#include "tools/option_json.h"

namespace pith::tools {
namespace {

using Part = std::pair<std::string, PolicyParameters>;

/// "decay=0.9"
bool parse_parameter(const std::string& text, PolicyParameters& parameters) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return false;
  const char* number = text.c_str() + equals + 1;
  char* end = nullptr;
  const double value = std::strtod(number, &end);
  if (end == number || *end != '\0' || std::isnan(value)) return false;
  return parameters.emplace(text.substr(0, equals), value).second;
}

std::optional<Part> try_part(const std::string& text) {
  const std::size_t colon = text.find(':');
  Part part{text.substr(0, colon), {}};
  if (part.first.empty()) return std::nullopt;
  if (colon == std::string::npos) return part;
  for (std::size_t at = colon; at != std::string::npos;) {
    const std::size_t next = text.find(',', at + 1);
    const std::size_t size = next == std::string::npos ? next : next - at - 1;
    if (!parse_parameter(text.substr(at + 1, size), part.second)) return std::nullopt;
    at = next;
  }
  return part;
}

std::string complaint(const std::string& text) {
  return fmt::format("'{}' is not like NAME or NAME:parameter=0.5,other=3", text);
}

std::string check_part(const std::string& text) { return try_part(text) ? "" : complaint(text); }

std::vector<std::string> joined(std::vector<std::string> names, const std::vector<std::string>& more) {
  names.insert(names.end(), more.begin(), more.end());
  return names;
}

std::string list_of(std::vector<std::string> names) {
  const std::string last = names.back();
  names.pop_back();
  return names.empty() ? last : fmt::format("{} or {}", fmt::join(names, ", "), last);
}

std::vector<std::string> own(const Policies& policies, std::vector<std::string> (EvictionRegistry::*names)() const) {
  return policies == nullptr ? std::vector<std::string>{} : (*policies.*names)();
}

std::vector<std::string> policy_names(const Policies& policies) {
  return joined(builtin_policies(), own(policies, &EvictionRegistry::policies));
}

}  // namespace

void EvictionArgs::add_to(Command& app, const Policies& known) {
  add_flag<&EvictionOptions::policy>(
      app, policy, fmt::format(": {}, with parameters like h2o:decay=0.9; nothing by default", policy_list(known)))
      ->check(check_part)
      ->suggests(policy_names(known));
  add_flag<&EvictionOptions::budget_tokens>(app, chosen.budget_tokens);
  add_flag<&EvictionOptions::budget_bytes>(app, chosen.budget_bytes);
  add_parts_to(app, known);
}

void EvictionArgs::add_parts_to(Command& app, const Policies& known) {
  policies = known;
  const auto allocators = joined(builtin_allocators(), own(known, &EvictionRegistry::allocators));
  const auto selectors = joined(builtin_selectors(), own(known, &EvictionRegistry::selectors));
  add_flag<&EvictionOptions::sinks>(app, chosen.sinks);
  add_flag<&EvictionOptions::recent>(app, chosen.recent);
  add_flag<&EvictionOptions::interval>(app, chosen.interval);
  add_flag<&EvictionOptions::allocator>(app, allocator,
                                        fmt::format(": {}; default: what belongs to the policy", list_of(allocators)))
      ->check(check_part)
      ->suggests(allocators);
  add_flag<&EvictionOptions::selector>(app, chosen.selector, fmt::format(": {}", list_of(selectors)))
      ->suggests(selectors);
}

EvictionOptions EvictionArgs::options() const {
  EvictionOptions options = chosen;
  if (!policy.empty()) std::tie(options.policy, options.parameters) = parse_part(policy);
  if (!allocator.empty()) std::tie(options.allocator, options.allocator_parameters) = parse_part(allocator);
  options.registry = policies;
  if (!policy.empty() && options.budget_tokens == 0 && options.budget_bytes == 0) {
    eval::fail(ErrorKind::kInvalidArgument, "--evict {} needs a budget: --budget or --budget-bytes, at least 1",
               policy);
  }
  return options;
}

std::pair<std::string, PolicyParameters> parse_part(const std::string& text) {
  std::optional<Part> part = try_part(text);
  if (!part) eval::fail(ErrorKind::kInvalidArgument, "{}", complaint(text));
  return *std::move(part);
}

std::string part_name(const std::string& name, const PolicyParameters& parameters) {
  std::string text = name;
  for (const auto& [parameter, value] : parameters) {
    text += fmt::format("{}{}={}", text.size() == name.size() ? ':' : ',', parameter, value);
  }
  return text;
}

std::string policy_list(const Policies& policies) { return list_of(policy_names(policies)); }

Json eviction_json(const EvictionOptions& options) { return options.policy.empty() ? Json() : options_json(options); }

std::string eviction_name(const EvictionOptions& options) {
  std::string text = part_name(options.policy, options.parameters);
  if (options.budget_tokens != 0) text += fmt::format(", {} tokens per head", options.budget_tokens);
  if (options.budget_bytes != 0) text += fmt::format(", {} bytes", options.budget_bytes);
  return text;
}

}  // namespace pith::tools
