#include <string>
#include <vector>

#include "gguf/tensor_type.h"
#include "kernels/common.h"
#include "weights/matmul.h"
#include "weights/packed_matrix.h"

namespace pith::bench {
namespace {

constexpr std::size_t kRows = 1536;
/// Rows of a matrix that no cache holds.
constexpr std::size_t kManyRows = std::size_t{1} << 17;
constexpr std::size_t kColumns = 768;

/// Multiplies a matrix of zero blocks (timing does not depend on the codes) with `tokens` activation rows on one
/// thread. Counts the bytes of the matrix.
void bench_matmul(benchmark::State& state, const gguf::TensorTypeInfo& type, const kernels::KernelTable& kernels,
                  std::size_t tokens, std::size_t rows) {
  ThreadPool pool(1);
  const std::vector<std::byte> data(rows * kColumns / type.block_elements * type.block_bytes);
  const weights::PackedMatrix matrix(type.type, data, rows, kColumns, false, pool);
  const std::vector<float> x(tokens * kColumns, 0.5F);
  std::vector<float> out(tokens * rows);
  weights::QuantizedRows quantized(tokens, kColumns);
  const kernels::Activations view =
      quantized.quantize(kernels, pool, x.data(), tokens, kColumns, kColumns, weights::formats_of(matrix));
  const weights::Product product{&matrix, out.data(), rows};
  const Work work = {static_cast<double>(matrix.bytes()), 2.0 * static_cast<double>(tokens * rows * kColumns)};
  repeat(state, work, [&] { weights::multiply(kernels, pool, view, {&product, 1}); });
}

const bool registered = [] {
  for (std::size_t i = 0; i < gguf::kTensorTypes; ++i) {
    const gguf::TensorTypeInfo& type = gguf::tensor_type_at(i);
    for (const std::size_t tokens : {1UL, 512UL}) {
      for_each_set("matmul/" + std::string(type.name) + "/rows:" + std::to_string(tokens),
                   [&type, tokens](benchmark::State& state, const kernels::KernelTable& kernels) {
                     bench_matmul(state, type, kernels, tokens, kRows);
                   });
    }
    // As sessions decode together: weights come from memory.
    for (const std::size_t tokens : {1UL, 4UL, 8UL, 12UL}) {
      for_each_set("matmul_from_memory/" + std::string(type.name) + "/rows:" + std::to_string(tokens),
                   [&type, tokens](benchmark::State& state, const kernels::KernelTable& kernels) {
                     bench_matmul(state, type, kernels, tokens, kManyRows);
                   });
    }
  }
  return true;
}();

}  // namespace
}  // namespace pith::bench
