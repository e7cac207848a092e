#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/select.h"
#include "kv/append.h"
#include "kv/attend.h"
#include "kv/cache.h"

namespace pith {
namespace {

constexpr std::size_t kDepth = 4096;

/// Attention of `tokens` new tokens of one layer at depth kDepth, one thread, with SmolLM2's heads.
void bench_attention(benchmark::State& state, const char* codec, const kernels::KernelTable& kernels,
                     std::size_t tokens) {
  const kv::KvShape shape = {9, 3, 64, 64, {0}};
  kv::Cache cache(shape, codec, codec, kernels);
  ThreadPool pool(1);
  kv::Staging staging(cache, kDepth);
  kv::Attention attention(cache, tokens, 1);
  const std::size_t stride = shape.heads * shape.key_size;
  std::vector<float> rows(kDepth * stride);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i * 2654435761U % 1000) / 500.0F - 1.0F;
  kv::append(cache, staging, pool, 0, {rows.data(), rows.data(), rows.data(), stride, kDepth, 0});
  kv::finish_append(cache, staging, 0, kDepth);
  kv::append(cache, staging, pool, 0, {rows.data(), rows.data(), rows.data(), stride, tokens, kDepth});
  const std::vector<float> queries(tokens * shape.heads * shape.key_size, 0.1F);
  std::vector<float> out(queries.size());
  const std::size_t width = shape.heads * shape.key_size;
  while (state.KeepRunning()) {
    attention.run(cache, staging, pool, 0, {queries.data(), width, out.data(), width, tokens, kDepth, 0.125F});
    benchmark::ClobberMemory();
  }
  const auto iterations = static_cast<double>(state.iterations());
  const double pairs = static_cast<double>(tokens * kDepth * shape.kv_heads) * iterations;
  state.SetBytesProcessed(static_cast<std::int64_t>(iterations * static_cast<double>(cache.sealed_bytes())));
  const std::size_t query_elements = shape.heads / shape.kv_heads * shape.key_size;
  const double products = 2 * pairs * static_cast<double>(query_elements);
  state.counters["ops/s"] = benchmark::Counter(2 * products, benchmark::Counter::kIsRate);
  state.counters["s/token/kv_head"] =
      benchmark::Counter(pairs, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

const bool registered = [] {
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    for (const char* codec : {"f32", "f16", "bf16", "int8", "int4", "int3", "int2"}) {
      for (const std::size_t tokens : {1UL, 64UL}) {
        const std::string name =
            "attention/" + std::string(codec) + "/tokens:" + std::to_string(tokens) + "/" + std::string(table->name);
        benchmark::RegisterBenchmark(name.c_str(), [codec, table, tokens](benchmark::State& state) {
          bench_attention(state, codec, *table, tokens);
        });
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace pith
