#include "kernels/portable/simd.h"
// simd.h comes first: it names the namespace of these kernels, and this line keeps clang-format from reordering.
#include "kernels/portable/families.h"

namespace pith::kernels::PITH_ISA {

const KernelTable& table() {
  static const KernelTable instance = [] {
    KernelTable t{};
    t.name = kName;
    add_block_products(t);
    add_super_block_products(t);
    add_level_products(t);
    add_code_dots(t);
    add_float_products(t);
    add_row_kernels(t);
    return t;
  }();
  return instance;
}

}  // namespace pith::kernels::PITH_ISA
