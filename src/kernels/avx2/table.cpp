// simd.h comes first: it defines the vectors that everything after it uses.
#include "kernels/avx2/simd.h"
// This line keeps clang-format from reordering the includes.
#include "kernels/generic/build_table.h"

namespace pith::kernels::avx2 {

const KernelTable& table() {
  static const KernelTable instance = build_table("avx2");
  return instance;
}

}  // namespace pith::kernels::avx2
