#include "weights/pack.h"

#include <array>

#include "base/fail.h"
#include "weights/pack_formats.h"

namespace pith::weights {

const PackInfo& pack_info(gguf::TensorType type) {
  static constexpr std::array kTable = {
      &kPackF32,    &kPackF16,   &kPackBF16,    &kPackQ4_0,  &kPackQ4_1,  &kPackQ5_0,  &kPackQ5_1,
      &kPackQ8_0,   &kPackQ2_K,  &kPackQ3_K,    &kPackQ4_K,  &kPackQ5_K,  &kPackQ6_K,  &kPackIQ4_NL,
      &kPackIQ4_XS, &kPackQ8_K,  &kPackMXFP4,   &kPackNVFP4, &kPackIQ1_S, &kPackIQ1_M, &kPackIQ2_XXS,
      &kPackIQ2_XS, &kPackIQ2_S, &kPackIQ3_XXS, &kPackIQ3_S, &kPackTQ1_0, &kPackTQ2_0};
  for (const PackInfo* info : kTable) {
    if (info->type == type) return *info;
  }
  fail(ErrorKind::kUnsupported, "no packed layout for weight type {}", static_cast<unsigned>(type));
}

}  // namespace pith::weights
