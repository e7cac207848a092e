#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "kernels/select.h"

// Goals: time every kernel of kernels/table.h, once per instruction set that runs here, with bytes and operations per
// second. Shapes are those of a small model. The data fits into the L1 and L2 caches, so that kernels are timed and not
// memory.
namespace pith::bench {

/// What one call of a kernel does. A multiply-add counts as two operations; kernels without products count elements.
struct Work {
  double bytes = 0;
  double operations = 0;
};

/// Repeats `call` for as long as the benchmark wants.
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

/// Registers "name/<instruction set>" for each instruction set: run(state, table).
template <typename Run>
void for_each_set(const std::string& name, const Run& run) {
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    benchmark::RegisterBenchmark((name + "/" + table->name).c_str(),
                                 [run, table](benchmark::State& state) { run(state, *table); });
  }
}

/// Returns floats in [-1, 1), the same everywhere.
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
