// The NEON kernels once more, with I8MM's dot product of unsigned and signed bytes.
#define PITH_NEON_I8MM
// simd.h comes first: what follows is written in its vectors.
#include "kernels/neon/simd.h"
// clang-format keeps the order because of this line.
#include "kernels/generic/build_table.h"

namespace pith::kernels::neon_i8mm {

const KernelTable& table() {
  static const KernelTable instance = build_table("neon_i8mm");
  return instance;
}

}  // namespace pith::kernels::neon_i8mm
