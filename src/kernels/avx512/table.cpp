// simd.h comes first: what follows is written in its vectors.
#include "kernels/avx512/simd.h"
// clang-format keeps the order because of this line.
#include "kernels/generic/build_table.h"

namespace pith::kernels::avx512 {

const KernelTable& table() {
  static const KernelTable instance = build_table("avx512");
  return instance;
}

}  // namespace pith::kernels::avx512
