#include <pith/version.h>
#include <pith_commit.h>

#include "kernels/select.h"

namespace pith::inline v0_1 {
namespace {

#ifdef __clang__
constexpr const char* kCompiler = "clang " __clang_version__;
#else
constexpr const char* kCompiler = "g++ " __VERSION__;
#endif

}  // namespace

const char* version() noexcept { return PITH_VERSION; }

BuildInfo build_info() {
  return {.version = version(),
          .commit = PITH_COMMIT,
          .compiler = kCompiler,
          .instruction_set = kernels::select_kernels().name};
}

}  // namespace pith::inline v0_1
