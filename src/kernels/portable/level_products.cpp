// simd.h comes first: it defines the vectors that everything after it uses.
#include "kernels/portable/simd.h"
// This line keeps clang-format from reordering the includes.
#include "kernels/generic/build_table.h"
#include "kernels/portable/families.h"

namespace pith::kernels::PITH_ISA {

void add_level_products(KernelTable& table) { fill_level_products(table); }

}  // namespace pith::kernels::PITH_ISA
