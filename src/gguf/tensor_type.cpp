#include "gguf/tensor_type.h"

#include <array>

#include "base/fail.h"

namespace pith::gguf {
namespace {

constexpr std::array<TensorTypeInfo, kTensorTypes> kTable = {{
    {TensorType::kF32, "F32", 1, 4},
    {TensorType::kF16, "F16", 1, 2},
    {TensorType::kQ4_0, "Q4_0", 32, 18},
    {TensorType::kQ4_1, "Q4_1", 32, 20},
    {TensorType::kQ5_0, "Q5_0", 32, 22},
    {TensorType::kQ5_1, "Q5_1", 32, 24},
    {TensorType::kQ8_0, "Q8_0", 32, 34},
    {TensorType::kQ2_K, "Q2_K", 256, 84},
    {TensorType::kQ3_K, "Q3_K", 256, 110},
    {TensorType::kQ4_K, "Q4_K", 256, 144},
    {TensorType::kQ5_K, "Q5_K", 256, 176},
    {TensorType::kQ6_K, "Q6_K", 256, 210},
    {TensorType::kIQ4_NL, "IQ4_NL", 32, 18},
    {TensorType::kIQ4_XS, "IQ4_XS", 256, 136},
    {TensorType::kBF16, "BF16", 1, 2},
    {TensorType::kQ8_K, "Q8_K", 256, 292},
    {TensorType::kMXFP4, "MXFP4", 32, 17},
    {TensorType::kNVFP4, "NVFP4", 64, 36},
    {TensorType::kIQ1_S, "IQ1_S", 256, 50},
    {TensorType::kIQ1_M, "IQ1_M", 256, 56},
    {TensorType::kIQ2_XXS, "IQ2_XXS", 256, 66},
    {TensorType::kIQ2_XS, "IQ2_XS", 256, 74},
    {TensorType::kIQ2_S, "IQ2_S", 256, 82},
    {TensorType::kIQ3_XXS, "IQ3_XXS", 256, 98},
    {TensorType::kIQ3_S, "IQ3_S", 256, 110},
    {TensorType::kTQ1_0, "TQ1_0", 256, 54},
    {TensorType::kTQ2_0, "TQ2_0", 256, 66},
}};

/// Indexed by type number, including types that ggml has since withdrawn (4, 5, 31 to 33, 36 to 38).
constexpr std::array<std::string_view, 42> kGgmlNames = {
    "F32",        "F16",        "Q4_0",       "Q4_1",  "Q4_2",     "Q4_3",     "Q5_0",     "Q5_1",    "Q8_0",
    "Q8_1",       "Q2_K",       "Q3_K",       "Q4_K",  "Q5_K",     "Q6_K",     "Q8_K",     "IQ2_XXS", "IQ2_XS",
    "IQ3_XXS",    "IQ1_S",      "IQ4_NL",     "IQ3_S", "IQ2_S",    "IQ4_XS",   "I8",       "I16",     "I32",
    "I64",        "F64",        "IQ1_M",      "BF16",  "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0",   "TQ2_0",
    "IQ4_NL_4_4", "IQ4_NL_4_8", "IQ4_NL_8_8", "MXFP4", "NVFP4",    "Q1_0",
};

}  // namespace

const TensorTypeInfo* find_tensor_type(std::uint32_t id) noexcept {
  for (const TensorTypeInfo& info : kTable) {
    if (static_cast<std::uint32_t>(info.type) == id) return &info;
  }
  return nullptr;
}

const TensorTypeInfo& type_info(TensorType type) {
  const auto id = static_cast<std::uint32_t>(type);
  const TensorTypeInfo* info = find_tensor_type(id);
  if (info == nullptr) fail(ErrorKind::kInternal, "tensor type {} is not in the table", id);
  return *info;
}

const TensorTypeInfo& tensor_type_at(std::size_t i) noexcept { return kTable[i]; }

std::string ggml_type_name(std::uint32_t id) {
  return id < kGgmlNames.size() ? std::string(kGgmlNames[id]) : fmt::format("{}", id);
}

}  // namespace pith::gguf
