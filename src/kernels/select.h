#pragma once

#include <span>

#include "kernels/table.h"

namespace pith::kernels {

/// The best table this processor runs, or the one that the environment variable PITH_FORCE_ISA names.
/// Throws Error(kInvalidArgument) if that name is unknown or cannot run here.
const KernelTable& select_kernels();

/// Every table that this processor runs, the portable one first.
std::span<const KernelTable* const> runnable_kernels();

}  // namespace pith::kernels
