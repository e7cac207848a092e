// The NEON kernels compiled again, with I8MM's dot product of unsigned and signed bytes.
#define PITH_NEON_I8MM
// simd.h comes first: it defines the vectors that everything after it uses.
#include "kernels/neon/simd.h"
// This line keeps clang-format from reordering the includes.
#include "kernels/generic/build_table.h"

namespace pith::kernels::neon_i8mm {

const KernelTable& table() {
  static const KernelTable instance = build_table("neon_i8mm");
  return instance;
}

}  // namespace pith::kernels::neon_i8mm
