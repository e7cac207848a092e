#include "weights/quantize.h"

#include <array>

#include "base/fail.h"
#include "weights/quantize_blocks.h"

namespace pith::weights {
namespace {

using gguf::TensorType;

struct Maker {
  TensorType type;
  QuantizeBlocks make;
};

constexpr std::array<Maker, 18> kMakers = {{
    {TensorType::kF32, quantize_f32},
    {TensorType::kF16, quantize_f16},
    {TensorType::kBF16, quantize_bf16},
    {TensorType::kQ4_0, quantize_q4_0},
    {TensorType::kQ4_1, quantize_q4_1},
    {TensorType::kQ5_0, quantize_q5_0},
    {TensorType::kQ5_1, quantize_q5_1},
    {TensorType::kQ8_0, quantize_q8_0},
    {TensorType::kQ2_K, quantize_q2_k},
    {TensorType::kQ3_K, quantize_q3_k},
    {TensorType::kQ4_K, quantize_q4_k},
    {TensorType::kQ5_K, quantize_q5_k},
    {TensorType::kQ6_K, quantize_q6_k},
    {TensorType::kIQ4_NL, quantize_iq4_nl},
    {TensorType::kIQ4_XS, quantize_iq4_xs},
    {TensorType::kMXFP4, quantize_mxfp4},
    {TensorType::kTQ1_0, quantize_tq1_0},
    {TensorType::kTQ2_0, quantize_tq2_0},
}};

QuantizeBlocks find_maker(TensorType type) noexcept {
  for (const Maker& maker : kMakers) {
    if (maker.type == type) return maker.make;
  }
  return nullptr;
}

}  // namespace

bool can_quantize(TensorType type) noexcept { return find_maker(type) != nullptr; }

void quantize(TensorType type, std::span<const float> source, std::span<std::byte> destination) {
  const gguf::TensorTypeInfo& info = gguf::type_info(type);
  const QuantizeBlocks make = find_maker(type);
  if (make == nullptr) fail(ErrorKind::kUnsupported, "pith does not quantize to {}", info.name);
  const std::size_t blocks = source.size() / info.block_elements;
  if (source.size() % info.block_elements != 0 || destination.size() != blocks * info.block_bytes) {
    fail(ErrorKind::kInvalidArgument, "{} weights do not make {} bytes of {}", source.size(), destination.size(),
         info.name);
  }
  make(source.data(), blocks, reinterpret_cast<std::uint8_t*>(destination.data()));
}

}  // namespace pith::weights
