#pragma once

#include <tuple>

#include "base/described.h"

namespace pith::model {

enum class NormKind {
  kNone,   ///< x itself
  kRms,    ///< x / rms(x) * weight (Zhang and Sennrich, 1910.07467)
  kLayer,  ///< (x - mean(x)) / deviation(x) * weight + bias (Ba et al., 1607.06450)
};

struct NormSpec {
  NormKind kind = NormKind::kNone;
  float epsilon = 0.0F;
  bool bias = false;   ///< kLayer only
  bool plain = false;  ///< There are no weights: they count as 1.

  bool present() const { return kind != NormKind::kNone; }

  static constexpr auto fields() {
    return std::tuple(field("kind", &NormSpec::kind), field("epsilon", &NormSpec::epsilon),
                      field("bias", &NormSpec::bias), field("plain", &NormSpec::plain));
  }
};
static_assert(lists_every_field<NormSpec>);

}  // namespace pith::model
