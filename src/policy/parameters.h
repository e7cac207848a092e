#pragma once

#include <pith/eviction.h>

#include <map>
#include <span>
#include <string_view>

namespace pith::policy {

/// Which numbers of its range a parameter accepts.
enum class Numbers {
  kAll,
  kAboveLeast,  ///< All but the lower bound itself
  kWhole,
  kOdd,
};

struct ParameterSpec {
  std::string_view name;
  double preset = 0.0;
  double least = 0.0;
  double most = 1.0;
  Numbers numbers = Numbers::kAll;
};

/// The parameters of one part: those given, and defaults for the rest.
class Parameters {
 public:
  /// `owner` names the part in messages: `eviction policy "h2o"`. Throws Error(kInvalidArgument) for a parameter that
  /// is not among `specs` or out of its range.
  Parameters(std::string_view owner, std::span<const ParameterSpec> specs, const PolicyParameters& given);

  double real(std::string_view name) const;
  int whole(std::string_view name) const { return static_cast<int>(real(name)); }

 private:
  std::map<std::string_view, double> values_;
};

/// For parts without parameters: throws Error(kInvalidArgument) if any is given.
inline void refuse_parameters(std::string_view owner, const PolicyParameters& given) {
  const Parameters none(owner, {}, given);
}

}  // namespace pith::policy
