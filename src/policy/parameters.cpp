#include "policy/parameters.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/fail.h"

namespace pith::policy {
namespace {

bool allows(const ParameterSpec& spec, double value) {
  // Written so that NaN is refused.
  if (!(value >= spec.least && value <= spec.most)) return false;
  switch (spec.numbers) {
    case Numbers::kAll:
      return true;
    case Numbers::kAboveLeast:
      return value > spec.least;
    case Numbers::kWhole:
      return std::floor(value) == value;
    case Numbers::kOdd:
      return std::fmod(value, 2.0) == 1.0;
  }
  return false;
}

std::string allowed(const ParameterSpec& spec) {
  switch (spec.numbers) {
    case Numbers::kAll:
      break;
    case Numbers::kAboveLeast:
      return fmt::format("above {} and at most {}", spec.least, spec.most);
    case Numbers::kWhole:
      return fmt::format("a whole number from {} to {}", spec.least, spec.most);
    case Numbers::kOdd:
      return fmt::format("an odd number from {} to {}", spec.least, spec.most);
  }
  return fmt::format("from {} to {}", spec.least, spec.most);
}

std::string known_names(std::span<const ParameterSpec> specs) {
  std::string names;
  for (const ParameterSpec& spec : specs) names += fmt::format("{}{}", names.empty() ? "it has " : ", ", spec.name);
  return names.empty() ? "it has none" : names;
}

}  // namespace

Parameters::Parameters(std::string_view owner, std::span<const ParameterSpec> specs, const PolicyParameters& given) {
  for (const ParameterSpec& spec : specs) values_[spec.name] = spec.preset;
  for (const auto& each : given) {
    const auto& [name, value] = each;
    const auto spec =
        std::find_if(specs.begin(), specs.end(), [&](const ParameterSpec& s) { return s.name == each.first; });
    if (spec == specs.end()) {
      fail(ErrorKind::kInvalidArgument, "{} has no parameter \"{}\"; {}", owner, name, known_names(specs));
    }
    if (!allows(*spec, value)) {
      fail(ErrorKind::kInvalidArgument, "{}: parameter \"{}\" is {}, must be {}", owner, name, value, allowed(*spec));
    }
    values_[spec->name] = value;
  }
}

double Parameters::real(std::string_view name) const {
  const auto at = values_.find(name);
  if (at == values_.end()) fail(ErrorKind::kInternal, "parameter \"{}\" is read but not declared", name);
  return at->second;
}

}  // namespace pith::policy
