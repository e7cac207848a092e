#pragma once

// The families of portable kernels, each compiled in a unit of its own. Include simd.h first.
#include "kernels/table.h"

namespace pith::kernels::PITH_ISA {

void add_block_products(KernelTable& table);
void add_super_block_products(KernelTable& table);
void add_level_products(KernelTable& table);
void add_code_dots(KernelTable& table);
void add_float_products(KernelTable& table);
void add_row_kernels(KernelTable& table);

}  // namespace pith::kernels::PITH_ISA
