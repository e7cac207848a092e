#include <cstring>

#include "base/half.h"
#include "weights/pack_formats.h"
#include "weights/pack_lines.h"

namespace pith::weights {
namespace {

/// A block is one column: 16 elements.
template <std::size_t size>
void pack_element(const std::uint8_t* source, std::size_t row, std::uint8_t* block) {
  std::memcpy(block + size * row, source, size);
}

void unpack_f32(const std::uint8_t* block, std::size_t row, float* out) { std::memcpy(out, block + 4 * row, 4); }
void unpack_f16(const std::uint8_t* block, std::size_t row, float* out) {
  *out = f16_to_f32(load_u16(block + 2 * row));
}
void unpack_bf16(const std::uint8_t* block, std::size_t row, float* out) {
  *out = bf16_to_f32(load_u16(block + 2 * row));
}

}  // namespace

using gguf::TensorType;
using kernels::PackedFormat;

const PackInfo kPackF32 = {TensorType::kF32, PackedFormat::kF32, 1, 64, false, pack_element<4>, unpack_f32};
const PackInfo kPackF16 = {TensorType::kF16, PackedFormat::kF16, 1, 32, false, pack_element<2>, unpack_f16};
const PackInfo kPackBF16 = {TensorType::kBF16, PackedFormat::kBF16, 1, 32, false, pack_element<2>, unpack_bf16};

}  // namespace pith::weights
