#include "eval/eviction.h"

#include <fmt/format.h>
#include <pith/error.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "eval/fail.h"

namespace pith::eval {
namespace {

constexpr std::array<std::string_view, 2> kControls = {"random", "window"};

bool contains(std::span<const std::string> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

EvictionOptions options_of(const EvictionSetup& setup, const std::string& policy) {
  EvictionOptions options = setup.common;
  options.policy = policy;
  options.parameters.clear();
  options.budget_tokens = 0;
  options.budget_bytes = 0;
  return options;
}

}  // namespace

std::vector<std::string> with_controls(std::span<const std::string> policies) {
  std::vector<std::string> all;
  for (const std::string_view control : kControls) {
    if (!contains(policies, control)) all.emplace_back(control);
  }
  for (const std::string& policy : policies) {
    if (!contains(all, policy)) all.push_back(policy);
  }
  return all;
}

EvictionSetup checked(EvictionSetup setup) {
  setup.policies = with_controls(setup.policies);
  for (const std::string& policy : setup.policies) make_policy(policy, {}, setup.common.registry.get());
  if (setup.ratios.empty()) fail(ErrorKind::kInvalidArgument, "no ratios");
  for (const double ratio : setup.ratios) {
    if (ratio >= 0 && ratio < 1) continue;
    fail(ErrorKind::kInvalidArgument, "ratio is {}, must be at least 0 and below 1", ratio);
  }
  return setup;
}

std::vector<EvictionCase> cases_of(const EvictionSetup& setup) {
  std::vector<EvictionCase> cases;
  for (const std::string& policy : setup.policies) {
    for (const double ratio : setup.ratios) cases.push_back({policy, ratio});
  }
  return cases;
}

Session observing_session(const Model& model, const EvictionSetup& setup, int context) {
  SessionOptions session;
  session.kv = setup.kv;
  session.context = context;
  session.threads = setup.threads;
  session.eviction = options_of(setup, setup.policies.front());
  session.eviction.observe = setup.policies;
  return Session(model, session);
}

std::size_t budget_of(double ratio, int tokens) {
  return static_cast<std::size_t>(std::llround((1 - ratio) * static_cast<double>(tokens)));
}

std::optional<Session> compacted(const Session& session, const EvictionSetup& setup, EvictionCase& which,
                                 double weight) {
  if (!which.unsupported.empty()) return std::nullopt;
  Session fork = session.fork();
  try {
    fork.compact(budget_of(which.ratio, fork.position()), options_of(setup, which.policy));
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUnsupported) throw;
    which.unsupported = error.what();
    return std::nullopt;
  }
  const KvStats stats = fork.kv_stats();
  which.held_tokens += weight * stats.held_tokens;
  which.evicted_share += weight * (1 - static_cast<double>(stats.held_tokens) / fork.position());
  which.bytes += weight * static_cast<double>(stats.bytes);
  return fork;
}

}  // namespace pith::eval
