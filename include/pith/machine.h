#pragma once

#include <pith/export.h>

#include <cstddef>
#include <string>

namespace pith::inline v0_1 {

struct LimitOptions {
  /// 0: one for each processor.
  int threads = 0;
  /// How much memory is read, over and over; 0: 1 GiB, or an eighth of the machine's memory if that is less. Much more
  /// than the caches hold, it says what memory gives; fewer bytes say what the caches give.
  std::size_t read_bytes = 0;
  /// Spent on each of the two measurements, beside the time to fill the memory that is read.
  double seconds = 0.2;
};

/// The most that a machine does with so many threads: the best of many short runs of loops that do nothing else.
struct MachineLimits {
  /// Whose kernels were timed, the ones that models run with: "avx512".
  std::string instruction_set;
  int threads = 0;
  std::size_t read_bytes = 0;
  double read_bytes_per_second = 0;
  /// Int8 products with 32-bit sums, a product and its addition counted as two operations.
  double int8_ops_per_second = 0;
};

/// Measures now: other programs that run meanwhile take their part. Can be called from any thread.
/// Throws Error: kInvalidArgument for options out of range or a bad PITH_FORCE_ISA, kOutOfMemory.
PITH_EXPORT MachineLimits measure_limits(const LimitOptions& options = {});

/// What memory gives alone, read_bytes_per_second of the above.
PITH_EXPORT double measure_read(const LimitOptions& options = {});

}  // namespace pith::inline v0_1
