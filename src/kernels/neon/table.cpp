// simd.h comes first: what follows is written in its vectors.
#include "kernels/neon/simd.h"
// clang-format keeps the order because of this line.
#include "kernels/generic/build_table.h"

namespace pith::kernels::neon {

const KernelTable& table() {
  static const KernelTable instance = build_table("neon");
  return instance;
}

}  // namespace pith::kernels::neon
