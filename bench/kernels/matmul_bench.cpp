#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "gguf/tensor_type.h"
#include "kernels/select.h"
#include "weights/matmul.h"
#include "weights/packed_matrix.h"

namespace pith {
namespace {

/// One thread, a matrix [rows, columns] of zero blocks (timing does not depend on the codes) and `tokens` activation
/// rows.
void bench_matmul(benchmark::State& state, const gguf::TensorTypeInfo& type, const kernels::KernelTable& kernels,
                  std::size_t tokens, std::size_t rows, std::size_t columns) {
  ThreadPool pool(1);
  const std::vector<std::byte> data(rows * columns / type.block_elements * type.block_bytes);
  const weights::PackedMatrix matrix(type.type, data, rows, columns, false, pool);
  const std::vector<float> x(tokens * columns, 0.5F);
  std::vector<float> out(tokens * rows);
  weights::QuantizedRows quantized(tokens, columns);
  const kernels::Activations view =
      quantized.quantize(kernels, pool, x.data(), tokens, columns, columns, weights::formats_of(matrix));
  const weights::Product product{&matrix, out.data(), rows};
  while (state.KeepRunning()) {
    weights::multiply(kernels, pool, view, {&product, 1});
    benchmark::ClobberMemory();
  }
  const auto iterations = static_cast<double>(state.iterations());
  state.SetBytesProcessed(static_cast<std::int64_t>(iterations * static_cast<double>(matrix.bytes())));
  state.counters["ops"] =
      benchmark::Counter(2.0 * static_cast<double>(tokens * rows * columns) * iterations, benchmark::Counter::kIsRate);
}

const bool registered = [] {
  for (const kernels::KernelTable* table : kernels::runnable_kernels()) {
    for (std::size_t i = 0; i < gguf::kTensorTypes; ++i) {
      const gguf::TensorTypeInfo& type = gguf::tensor_type_at(i);
      for (const std::size_t tokens : {1UL, 16UL, 512UL}) {
        const std::string name =
            "matmul/" + std::string(type.name) + "/tokens:" + std::to_string(tokens) + "/" + std::string(table->name);
        benchmark::RegisterBenchmark(name.c_str(), [&type, table, tokens](benchmark::State& state) {
          bench_matmul(state, type, *table, tokens, 1536, 768);
        });
      }
    }
  }
  return true;
}();

}  // namespace
}  // namespace pith
