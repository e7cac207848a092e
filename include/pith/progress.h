#pragma once

#include <pith/export.h>

#include <functional>

namespace pith::inline v0_1 {

/// Called while a model loads, with the share done in [0, 1]. Called from the loading thread only.
using ProgressSink = std::function<void(double share)>;

}  // namespace pith::inline v0_1
