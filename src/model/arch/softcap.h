#pragma once

#include <string_view>

#include "gguf/file.h"
#include "model/keys.h"

namespace pith::model {

/// Returns a cap that a file states; 0, or no key, means no cap. Throws Error(kFormat) for a value out of range.
inline float read_softcap(const gguf::File& file, const Keys& keys, std::string_view name) {
  constexpr Range kSoftcap = {1e-3, 1e6};
  if (file.metadata().get<double>(keys.name_of(name)).value_or(0.0) == 0.0) return 0.0F;
  return static_cast<float>(keys.real(name, kSoftcap));
}

}  // namespace pith::model
