#pragma once

#include <pith/eviction.h>

#include <map>
#include <span>
#include <string_view>

namespace pith::policy {

/// Which numbers of a range a parameter takes.
enum class Numbers {
  kAll,
  kAboveLeast,  ///< All but the least itself.
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

/// The parameters of one part: those given, the rest preset.
class Parameters {
 public:
  /// `owner` is how messages name the part: `eviction policy "h2o"`. Throws Error(kInvalidArgument) for one that is not
  /// among `specs` or out of its range.
  Parameters(std::string_view owner, std::span<const ParameterSpec> specs, const PolicyParameters& given);

  double real(std::string_view name) const;
  int whole(std::string_view name) const { return static_cast<int>(real(name)); }

 private:
  std::map<std::string_view, double> values_;
};

/// For parts that take none: throws Error(kInvalidArgument) if there is one.
inline void refuse_parameters(std::string_view owner, const PolicyParameters& given) {
  const Parameters none(owner, {}, given);
}

}  // namespace pith::policy
