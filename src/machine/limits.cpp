#include <pith/machine.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "base/buffer.h"
#include "base/fail.h"
#include "base/memory_limit.h"
#include "base/thread_pool.h"
#include "kernels/select.h"

namespace pith::inline v0_1 {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytesMin = std::size_t{1} << 16;
constexpr std::size_t kReadBytesDefault = std::size_t{1} << 30;
constexpr double kSecondsMax = 3600;
/// Floats that one task reads: enough to make claiming it cheap, and few enough that threads finish together.
constexpr std::size_t kPieceFloats = std::size_t{1} << 17;
/// Floats that limit_read() takes at once.
constexpr std::size_t kReadStep = 128;
/// Vectors of weights per call of limit_dots(): 16 KiB, which fit into the L1 cache.
constexpr std::size_t kSteps = 256;
/// Calls per task.
constexpr std::size_t kCalls = 64;
constexpr std::size_t kTasksByThread = 8;
constexpr std::size_t kWeightBytes = 64;

void check(const LimitOptions& options) {
  if (!(options.seconds > 0 && options.seconds <= kSecondsMax)) {
    fail(ErrorKind::kInvalidArgument, "seconds is {}, must be above 0 and at most {}", options.seconds, kSecondsMax);
  }
  if (options.read_bytes != 0 && options.read_bytes < kReadBytesMin) {
    fail(ErrorKind::kInvalidArgument, "read_bytes is {}, must be 0 or at least {}", options.read_bytes, kReadBytesMin);
  }
}

/// Rounds down to whole steps of limit_read().
std::size_t read_floats(std::size_t bytes) {
  if (bytes == 0) {
    bytes = kReadBytesDefault;
    if (const std::uint64_t memory = usable_memory(); memory != 0)
      bytes = std::min(bytes, static_cast<std::size_t>(memory / 8));
    bytes = std::max(bytes, kReadBytesMin);
  }
  return bytes / sizeof(float) / kReadStep * kReadStep;
}

/// Returns the units per second of the best run. Repeats until the time is over, at least twice, since the first run
/// warms up.
template <typename Run>
double best_rate(double units, double seconds, const Run& run) {
  double best = 0;
  const Clock::time_point begin = Clock::now();
  for (int runs = 0; runs < 2 || std::chrono::duration<double>(Clock::now() - begin).count() < seconds; ++runs) {
    const Clock::time_point start = Clock::now();
    run();
    best = std::max(best, units / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

/// What threads computed, kept so that no compiler removes the work. Each has a cache line of its own.
struct alignas(64) Result {
  double sum = 0;
  std::array<float, kernels::kLimitRows * kernels::kLanes> dots{};
};

double time_reads(const kernels::KernelTable& kernels, ThreadPool& pool, std::size_t floats, double seconds) {
  const Buffer<float> memory(floats);
  const std::size_t pieces = (floats + kPieceFloats - 1) / kPieceFloats;
  const auto piece = [&](std::size_t i) {
    return memory.span().subspan(i * kPieceFloats, std::min(kPieceFloats, floats - i * kPieceFloats));
  };
  // Writes every page, since pages that were never written may all map to the same physical one.
  pool.run(pieces, [&](std::size_t i) { std::fill(piece(i).begin(), piece(i).end(), 1.0F); });
  std::vector<Result> results(static_cast<std::size_t>(pool.size()));
  const double rate = best_rate(static_cast<double>(floats * sizeof(float)), seconds, [&] {
    for (Result& result : results) result.sum = 0;
    pool.run(pieces, [&](std::size_t i, std::size_t worker) {
      results[worker].sum += static_cast<double>(kernels.limit_read(piece(i).data(), piece(i).size()));
    });
  });
  double total = 0;
  for (const Result& result : results) total += result.sum;
  const auto expected = static_cast<double>(floats);
  if (total != expected) fail(ErrorKind::kInternal, "ones that were read sum to {}, not to {}", total, expected);
  return rate;
}

double time_dots(const kernels::KernelTable& kernels, ThreadPool& pool, double seconds) {
  const std::vector<std::uint8_t> w(kSteps * kWeightBytes, 1);
  const std::vector<std::int8_t> x(4 * kernels::kLimitRows, 1);
  const auto threads = static_cast<std::size_t>(pool.size());
  const std::size_t tasks = threads * kTasksByThread;
  std::vector<Result> results(threads);
  const double products = static_cast<double>(tasks * kCalls * kSteps * kWeightBytes * kernels::kLimitRows);
  const double rate = best_rate(2 * products, seconds, [&] {
    pool.run(tasks, [&](std::size_t, std::size_t worker) {
      for (std::size_t call = 0; call < kCalls; ++call) {
        kernels.limit_dots(w.data(), kSteps, x.data(), results[worker].dots.data());
      }
    });
  });
  const auto expected = static_cast<float>(4 * kSteps);
  if (!std::any_of(results.begin(), results.end(), [&](const Result& r) { return r.dots.back() == expected; })) {
    fail(ErrorKind::kInternal, "no sum of {} ones is {}", expected, expected);
  }
  return rate;
}

}  // namespace

std::uint64_t usable_memory() { return memory_limit(); }

MachineLimits measure_limits(const LimitOptions& options) {
  check(options);
  const kernels::KernelTable& kernels = kernels::select_kernels();
  ThreadPool pool(options.threads);
  const std::size_t floats = read_floats(options.read_bytes);
  MachineLimits limits;
  limits.instruction_set = kernels.name;
  limits.threads = pool.size();
  limits.read_bytes = floats * sizeof(float);
  limits.read_bytes_per_second = time_reads(kernels, pool, floats, options.seconds);
  limits.int8_ops_per_second = time_dots(kernels, pool, options.seconds);
  return limits;
}

double measure_read(const LimitOptions& options) {
  check(options);
  ThreadPool pool(options.threads);
  return time_reads(kernels::select_kernels(), pool, read_floats(options.read_bytes), options.seconds);
}

}  // namespace pith::inline v0_1
