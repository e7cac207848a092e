#include "weights/dequantize.h"

#include <array>

#include "base/fail.h"
#include "weights/dequantize_blocks.h"

namespace pith::weights {
namespace {

struct Row {
  gguf::TensorType type;
  DequantizeBlocks expand;
};

using gguf::TensorType;

constexpr std::array<Row, gguf::kTensorTypes> kTable = {{
    {TensorType::kF32, dequantize_f32},         {TensorType::kF16, dequantize_f16},
    {TensorType::kQ4_0, dequantize_q4_0},       {TensorType::kQ4_1, dequantize_q4_1},
    {TensorType::kQ5_0, dequantize_q5_0},       {TensorType::kQ5_1, dequantize_q5_1},
    {TensorType::kQ8_0, dequantize_q8_0},       {TensorType::kQ2_K, dequantize_q2_k},
    {TensorType::kQ3_K, dequantize_q3_k},       {TensorType::kQ4_K, dequantize_q4_k},
    {TensorType::kQ5_K, dequantize_q5_k},       {TensorType::kQ6_K, dequantize_q6_k},
    {TensorType::kIQ4_NL, dequantize_iq4_nl},   {TensorType::kIQ4_XS, dequantize_iq4_xs},
    {TensorType::kBF16, dequantize_bf16},       {TensorType::kQ8_K, dequantize_q8_k},
    {TensorType::kMXFP4, dequantize_mxfp4},     {TensorType::kNVFP4, dequantize_nvfp4},
    {TensorType::kIQ1_S, dequantize_iq1_s},     {TensorType::kIQ1_M, dequantize_iq1_m},
    {TensorType::kIQ2_XXS, dequantize_iq2_xxs}, {TensorType::kIQ2_XS, dequantize_iq2_xs},
    {TensorType::kIQ2_S, dequantize_iq2_s},     {TensorType::kIQ3_XXS, dequantize_iq3_xxs},
    {TensorType::kIQ3_S, dequantize_iq3_s},     {TensorType::kTQ1_0, dequantize_tq1_0},
    {TensorType::kTQ2_0, dequantize_tq2_0},
}};

DequantizeBlocks find_expand(TensorType type) {
  for (const Row& row : kTable) {
    if (row.type == type) return row.expand;
  }
  fail(ErrorKind::kInternal, "weight type {} cannot be dequantized", static_cast<std::uint32_t>(type));
}

}  // namespace

void dequantize(gguf::TensorType type, std::span<const std::byte> source, std::span<float> destination) {
  const DequantizeBlocks expand = find_expand(type);
  const gguf::TensorTypeInfo& info = gguf::type_info(type);
  const std::size_t blocks = destination.size() / info.block_elements;
  if (destination.size() % info.block_elements != 0 || source.size() != blocks * info.block_bytes) {
    fail(ErrorKind::kInvalidArgument, "{} bytes of {} do not make {} weights", source.size(), info.name,
         destination.size());
  }
  expand(reinterpret_cast<const std::uint8_t*>(source.data()), blocks, destination.data());
}

}  // namespace pith::weights
