#pragma once

#include <pith/export.h>

#include <string>

/// Which pith this is. The build reads the version here; it stands nowhere else.
#define PITH_VERSION_MAJOR 0
#define PITH_VERSION_MINOR 1
#define PITH_VERSION_PATCH 0

/// For comparisons: 102 is version 0.1.2.
#define PITH_VERSION_NUMBER (PITH_VERSION_MAJOR * 10000 + PITH_VERSION_MINOR * 100 + PITH_VERSION_PATCH)

#define PITH_DETAIL_TEXT(token) #token
#define PITH_DETAIL_DOTTED(major, minor, patch) \
  PITH_DETAIL_TEXT(major) "." PITH_DETAIL_TEXT(minor) "." PITH_DETAIL_TEXT(patch)
/// "0.1.0"
#define PITH_VERSION PITH_DETAIL_DOTTED(PITH_VERSION_MAJOR, PITH_VERSION_MINOR, PITH_VERSION_PATCH)

namespace pith::inline v0_1 {

/// The version of the library that runs, "0.1.0"; PITH_VERSION is that of the headers a program was compiled with. The
/// API's inline namespace keeps versions of another minor number from linking; those of one minor number fit together.
PITH_EXPORT const char* version() noexcept;

/// What a report of a defect should name.
struct BuildInfo {
  std::string version;
  /// The commit that was built, abbreviated, with "-dirty" after it if files differed from it; empty if not known.
  std::string commit;
  /// "g++ 12.2.0"
  std::string compiler;
  /// Whose kernels this process runs: "avx512", "avx2", "neon_i8mm", "neon" or "portable".
  std::string instruction_set;
};

/// How the library was built, and what it chose on this machine. May be called from any thread. Throws
/// Error(kInvalidArgument) if PITH_FORCE_ISA names an instruction set that does not exist or that the processor lacks.
PITH_EXPORT BuildInfo build_info();

}  // namespace pith::inline v0_1
