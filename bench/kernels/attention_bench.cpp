#include <span>
#include <string>
#include <vector>

#include "kernels/common.h"
#include "kv/core/cache.h"
#include "kv/read/attend.h"
#include "kv/write/append.h"

namespace pith::bench {
namespace {

constexpr std::size_t kDepth = 4096;

/// Attention of one layer for `tokens` new tokens at depth kDepth, on one thread, with SmolLM2's heads.
void bench_attention(benchmark::State& state, const char* codec, const kernels::KernelTable& kernels,
                     std::size_t tokens) {
  const kv::LayerShape shape = {9, 3, 64, 64, 0};
  kv::CacheOptions options;
  options.layers = {{shape, codec, codec}};
  kv::Cache cache(options, kernels);
  ThreadPool pool(1);
  kv::Staging staging(kv::ScratchLayout(cache), kDepth);
  kv::Attention attention(kv::ScratchLayout(cache), tokens, 1);
  const std::size_t stride = shape.heads * shape.key_size;
  const std::vector<float> rows = some_floats(kDepth * stride);
  const kv::ProjectedRows projected = {rows.data(), rows.data(), rows.data(), stride};
  const kv::Step context = {&cache, 0, kDepth, 0};
  kv::append(std::span(&context, 1), staging, pool, 0, projected);
  kv::finish_append(std::span(&context, 1), staging, 0);
  const kv::Step step = {&cache, 0, tokens, kDepth};
  kv::append(std::span(&step, 1), staging, pool, 0, projected);
  const std::vector<float> queries(tokens * shape.heads * shape.key_size, 0.1F);
  std::vector<float> out(queries.size());
  const std::size_t width = shape.heads * shape.key_size;
  const auto pairs = static_cast<double>(tokens * kDepth * shape.kv_heads);
  const std::size_t group = shape.heads / shape.kv_heads;
  const auto query_elements = static_cast<double>(group * shape.key_size);
  // Each pair of a query and a cached token costs a product for its score and one for its value.
  const Work work = {static_cast<double>(cache.bytes().sealed), 2 * 2 * pairs * query_elements};
  repeat(state, work, [&] {
    attention.run(std::span(&step, 1), staging, pool, 0, {queries.data(), width, out.data(), width, 0.125F});
  });
  const auto iterations = static_cast<double>(state.iterations());
  state.counters["s/token/kv_head"] =
      benchmark::Counter(pairs * iterations, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

const bool registered = [] {
  for (const char* codec : {"f32", "f16", "bf16", "int8", "int4", "int3", "int2"}) {
    for (const std::size_t tokens : {1UL, 64UL}) {
      for_each_set("attention/" + std::string(codec) + "/tokens:" + std::to_string(tokens),
                   [codec, tokens](benchmark::State& state, const kernels::KernelTable& kernels) {
                     bench_attention(state, codec, kernels, tokens);
                   });
    }
  }
  return true;
}();

}  // namespace
}  // namespace pith::bench
