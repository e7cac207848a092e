#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "kernels/select.h"

// Benchmarks of every kernel of kernels/table.h on every instruction set that this processor has, in bytes and
// operations per second. Shapes are those of a small model; data fits into the inner caches, so that kernels are timed
// and not memory.
namespace pith::bench {

/// The work of one kernel call. A multiply-add counts as two operations; kernels that compute no products count
/// elements.
struct Work {
  double bytes = 0;
  double operations = 0;
};

/// Calls `call` as often as the benchmark asks, and reports its rates.
template <typename Call>
void repeat(benchmark::State& state, const Work& work, const Call& call) {
  while (state.KeepRunning()) {
    call();
    benchmark::ClobberMemory();
  }
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["bytes/s"] =
      benchmark::Counter(work.bytes * iterations, benchmark::Counter::kIsRate, benchmark::Counter::kIs1024);
  state.counters["ops/s"] = benchmark::Counter(work.operations * iterations, benchmark::Counter::kIsRate);
}

/// Registers the benchmark "name/<instruction set>", which calls run(state, table), for each set.
template <typename Run>
void for_each_set(const std::string& name, const Run& run) {
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    benchmark::RegisterBenchmark((name + "/" + table->name).c_str(),
                                 [run, table](benchmark::State& state) { run(state, *table); });
  }
}

/// Floats in [-1, 1), the same on every machine.
inline std::vector<float> some_floats(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * 2654435761U % 1000) / 500.0F - 1.0F;
  return values;
}

inline std::vector<std::uint8_t> some_bytes(std::size_t count, std::uint8_t mask = 255) {
  std::vector<std::uint8_t> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<std::uint8_t>((i * 2654435761U >> 8U) & mask);
  return values;
}

}  // namespace pith::bench
