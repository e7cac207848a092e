#include "kernels/select.h"

#ifdef PITH_ARM
#include <sys/auxv.h>
#endif

#include <bit>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fail.h"

namespace pith::kernels {

// Here and not in the kernels, whose units include nothing of the standard library.
static_assert(std::endian::native == std::endian::little,
              "every kernel, the portable ones included, takes packed codes apart as little-endian words");

namespace {

std::vector<const KernelTable*> find_runnable() {
  std::vector<const KernelTable*> tables = {&portable::table()};
#ifdef PITH_X86
  __builtin_cpu_init();
  // clang 14's __builtin_cpu_supports does not know F16C, but every processor with AVX2 has it.
  const bool has_avx2 =
      __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 && __builtin_cpu_supports("bmi2") != 0;
  if (has_avx2) tables.push_back(&avx2::table());
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") != 0 &&
                          __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
                          __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vnni") != 0 &&
                          __builtin_cpu_supports("avx512vbmi") != 0;
  if (has_avx512) tables.push_back(&avx512::table());
#endif
#ifdef PITH_ARM
  // Every 64-bit Arm processor has half-precision conversion and fused multiply-add.
  const bool has_dot = (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
  if (has_dot) tables.push_back(&neon::table());
  if (has_dot && (getauxval(AT_HWCAP2) & HWCAP2_I8MM) != 0) tables.push_back(&neon_i8mm::table());
#endif
  return tables;
}

}  // namespace

std::span<const KernelTable* const> runnable_kernels() {
  static const std::vector<const KernelTable*> tables = find_runnable();
  return tables;
}

const KernelTable& select_kernels() {
  const auto tables = runnable_kernels();
  const char* forced = std::getenv("PITH_FORCE_ISA");
  if (forced == nullptr || *forced == '\0') return *tables.back();
  std::string known;
  for (const KernelTable* table : tables) {
    if (std::string_view(table->name) == forced) return *table;
    known += known.empty() ? "" : ", ";
    known += table->name;
  }
  fail(ErrorKind::kInvalidArgument, "PITH_FORCE_ISA is \"{}\", this processor runs: {}", forced, known);
}

}  // namespace pith::kernels
