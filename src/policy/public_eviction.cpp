#include <pith/eviction.h>

#include <algorithm>
#include <utility>

#include "base/fail.h"

namespace pith {
namespace {

template <typename Factory>
using Factories = std::map<std::string, Factory, std::less<>>;

/// `what` names the kind of part in messages.
template <typename Factory>
void add_part(std::string_view what, Factories<Factory>& factories, const std::vector<std::string>& built_in,
              std::string name, Factory make) {
  const bool taken = factories.contains(name) || std::find(built_in.begin(), built_in.end(), name) != built_in.end();
  if (name.empty() || taken || name.find_first_of("/,:= ") != std::string::npos) {
    fail(ErrorKind::kInvalidArgument, "{} name \"{}\" is {}", what, name,
         name.empty() ? "empty"
         : taken      ? "taken"
                      : "not allowed: it has a slash, a comma, a colon, an equals sign or a space");
  }
  if (!make) fail(ErrorKind::kInvalidArgument, "{} \"{}\" has no factory", what, name);
  factories.emplace(std::move(name), std::move(make));
}

template <typename Factory>
const Factory* find_part(const Factories<Factory>& factories, std::string_view name) {
  const auto at = factories.find(name);
  return at == factories.end() ? nullptr : &at->second;
}

template <typename Factory>
std::vector<std::string> names_of(const Factories<Factory>& factories) {
  std::vector<std::string> names;
  names.reserve(factories.size());
  for (const auto& [name, make] : factories) names.push_back(name);
  return names;
}

}  // namespace

void EvictionPolicy::protect(const HeadView& /*head*/, std::span<std::uint8_t> /*kept*/) const {}

void EvictionRegistry::add_policy(std::string name, PolicyFactory make) {
  add_part("eviction policy", policies_, builtin_policies(), std::move(name), std::move(make));
}

void EvictionRegistry::add_allocator(std::string name, AllocatorFactory make) {
  add_part("allocator", allocators_, builtin_allocators(), std::move(name), std::move(make));
}

void EvictionRegistry::add_selector(std::string name, SelectorFactory make) {
  add_part("selector", selectors_, builtin_selectors(), std::move(name), std::move(make));
}

const PolicyFactory* EvictionRegistry::find_policy(std::string_view name) const { return find_part(policies_, name); }
const AllocatorFactory* EvictionRegistry::find_allocator(std::string_view name) const {
  return find_part(allocators_, name);
}
const SelectorFactory* EvictionRegistry::find_selector(std::string_view name) const {
  return find_part(selectors_, name);
}

std::vector<std::string> EvictionRegistry::policies() const { return names_of(policies_); }
std::vector<std::string> EvictionRegistry::allocators() const { return names_of(allocators_); }
std::vector<std::string> EvictionRegistry::selectors() const { return names_of(selectors_); }

}  // namespace pith
