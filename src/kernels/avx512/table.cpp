// simd.h comes first: it defines the vectors that everything after it uses.
#include "kernels/avx512/simd.h"
// This line keeps clang-format from reordering the includes.
#include "kernels/generic/build_table.h"

namespace pith::kernels::avx512 {

const KernelTable& table() {
  static const KernelTable instance = build_table("avx512");
  return instance;
}

}  // namespace pith::kernels::avx512
