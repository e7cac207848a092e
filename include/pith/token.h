#pragma once

#include <cstdint>

namespace pith {

/// A token's id in the model's vocabulary.
using Token = std::int32_t;

}  // namespace pith
