#pragma once

#include <span>

#include "kernels/table.h"

namespace pith::kernels {

/// Returns the fastest table that this processor can run, or the one named by the environment variable PITH_FORCE_ISA.
/// Throws Error(kInvalidArgument) if that name is unknown or its instructions are missing here.
const KernelTable& select_kernels();

/// Returns every table that this processor can run: the portable one first, the fastest last.
std::span<const KernelTable* const> runnable_kernels();

}  // namespace pith::kernels
