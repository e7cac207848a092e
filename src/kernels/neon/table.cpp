// simd.h comes first: it defines the vectors that everything after it uses.
#include "kernels/neon/simd.h"
// This line keeps clang-format from reordering the includes.
#include "kernels/generic/build_table.h"

namespace pith::kernels::neon {

const KernelTable& table() {
  static const KernelTable instance = build_table("neon");
  return instance;
}

}  // namespace pith::kernels::neon
