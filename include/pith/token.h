#pragma once

#include <pith/export.h>

#include <cstdint>

namespace pith::inline v0_1 {

/// A token's id in the model's vocabulary.
using Token = std::int32_t;

}  // namespace pith::inline v0_1
