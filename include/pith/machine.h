#pragma once

#include <pith/export.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace pith::inline v0_1 {

struct LimitOptions {
  /// Number of threads; 0: one per processor.
  int threads = 0;
  /// Bytes of memory that are read repeatedly; 0: 1 GiB, or an eighth of usable_memory() if that is less. Far more
  /// than the caches hold measures the memory; fewer bytes measure the caches.
  std::size_t read_bytes = 0;
  /// Seconds spent on each of the two measurements, not counting the time to fill the memory that is read.
  double seconds = 0.2;
};

/// The most that a machine does with a number of threads: the best of many short runs of loops that do nothing else.
struct MachineLimits {
  /// The instruction set of the measured kernels, which are those that models run with: "avx512".
  std::string instruction_set;
  int threads = 0;
  std::size_t read_bytes = 0;
  double read_bytes_per_second = 0;
  /// Int8 products with 32-bit sums per second. A multiply-add counts as two operations.
  double int8_ops_per_second = 0;
};

/// Measures now. Other programs that run meanwhile lower the result. Safe from any thread. Throws Error:
/// kInvalidArgument for options out of range or a bad PITH_FORCE_ISA, kOutOfMemory.
PITH_EXPORT MachineLimits measure_limits(const LimitOptions& options = {});

/// Returns the bytes of memory that this process may hold: the machine's, or fewer if the memory limit of a cgroup (v1
/// or v2, its own or an ancestor's) is lower. Swap does not count. 0 if the system does not say. Safe from any thread.
PITH_EXPORT std::uint64_t usable_memory();

/// Measures read_bytes_per_second of MachineLimits only.
PITH_EXPORT double measure_read(const LimitOptions& options = {});

}  // namespace pith::inline v0_1
