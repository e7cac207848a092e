#include <algorithm>
#include <array>
#include <string>

#include "base/fail.h"
#include "policy/allocators.h"
#include "policy/policies.h"

namespace pith::policy {
namespace {

template <typename Part>
struct Row {
  std::string_view name;
  std::unique_ptr<const Part> (*make)(const PolicyParameters&);
};

/// All built-in policies, one line each.
constexpr std::array kPolicies = {
    Row<EvictionPolicy>{"window", make_window},
    Row<EvictionPolicy>{"h2o", make_h2o},
    Row<EvictionPolicy>{"tova", make_tova},
    Row<EvictionPolicy>{"snapkv", make_snapkv},
    Row<EvictionPolicy>{"pyramidkv", make_pyramidkv},
    Row<EvictionPolicy>{"adakv", make_adakv},
    Row<EvictionPolicy>{"keydiff", make_keydiff},
    Row<EvictionPolicy>{"knorm", make_knorm},
    Row<EvictionPolicy>{"expected-attention", make_expected_attention},
    Row<EvictionPolicy>{"kvzip", make_kvzip},
    Row<EvictionPolicy>{"random", make_random},
};

/// All built-in allocators.
constexpr std::array kAllocators = {
    Row<BudgetAllocator>{"uniform", make_uniform},
    Row<BudgetAllocator>{"pyramid", make_pyramid},
    Row<BudgetAllocator>{"adaptive", make_adaptive},
};

/// All built-in selectors.
constexpr std::array kSelectors = {
    Row<TokenSelector>{"token", make_token},
    Row<TokenSelector>{"page", make_page},
};

std::vector<std::string> names_of(const auto& table) {
  std::vector<std::string> names;
  names.reserve(table.size());
  for (const auto& row : table) names.emplace_back(row.name);
  return names;
}

/// Makes a part by name: the caller's own if `custom` is not null, else from the table.
template <typename Part, typename Factory>
std::unique_ptr<const Part> make_part(std::string_view what, std::string_view name, const PolicyParameters& parameters,
                                      std::span<const Row<Part>> table, const Factory* custom,
                                      const std::vector<std::string>& own_names) {
  if (custom != nullptr) {
    std::unique_ptr<const Part> part = (*custom)(parameters);
    if (part == nullptr) fail(ErrorKind::kInvalidArgument, "{} \"{}\": its factory made nothing", what, name);
    return part;
  }
  const auto row = std::find_if(table.begin(), table.end(), [&](const Row<Part>& r) { return r.name == name; });
  if (row != table.end()) return row->make(parameters);
  std::string known;
  for (const std::string& each : names_of(table)) known += (known.empty() ? "" : ", ") + each;
  for (const std::string& each : own_names) known += ", " + each;
  fail(ErrorKind::kUnsupported, "{} \"{}\" is not known; known are {}", what, name, known);
}

using Names = std::vector<std::string>;

}  // namespace
}  // namespace pith::policy

namespace pith::inline v0_1 {

std::vector<std::string> builtin_policies() { return policy::names_of(policy::kPolicies); }
std::vector<std::string> builtin_allocators() { return policy::names_of(policy::kAllocators); }
std::vector<std::string> builtin_selectors() { return policy::names_of(policy::kSelectors); }

std::unique_ptr<const EvictionPolicy> make_policy(std::string_view name, const PolicyParameters& parameters,
                                                  const EvictionRegistry* registry) {
  const PolicyFactory* custom = registry != nullptr ? registry->find_policy(name) : nullptr;
  return policy::make_part<EvictionPolicy>("eviction policy", name, parameters, policy::kPolicies, custom,
                                           registry != nullptr ? registry->policies() : policy::Names{});
}

std::unique_ptr<const BudgetAllocator> make_allocator(std::string_view name, const PolicyParameters& parameters,
                                                      const EvictionRegistry* registry) {
  const AllocatorFactory* custom = registry != nullptr ? registry->find_allocator(name) : nullptr;
  return policy::make_part<BudgetAllocator>("allocator", name, parameters, policy::kAllocators, custom,
                                            registry != nullptr ? registry->allocators() : policy::Names{});
}

std::unique_ptr<const TokenSelector> make_selector(std::string_view name, const PolicyParameters& parameters,
                                                   const EvictionRegistry* registry) {
  const SelectorFactory* custom = registry != nullptr ? registry->find_selector(name) : nullptr;
  return policy::make_part<TokenSelector>("selector", name, parameters, policy::kSelectors, custom,
                                          registry != nullptr ? registry->selectors() : policy::Names{});
}

}  // namespace pith::inline v0_1
