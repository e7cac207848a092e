#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pith::gguf {

/// The tensor types that pith reads, numbered as in ggml. Elements form blocks along the columns.
enum class TensorType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kQ8_K = 15,
  kIQ2_XXS = 16,
  kIQ2_XS = 17,
  kIQ3_XXS = 18,
  kIQ1_S = 19,
  kIQ4_NL = 20,
  kIQ3_S = 21,
  kIQ2_S = 22,
  kIQ4_XS = 23,
  kIQ1_M = 29,
  kBF16 = 30,
  kTQ1_0 = 34,
  kTQ2_0 = 35,
  kMXFP4 = 39,
  kNVFP4 = 40,
};

inline constexpr std::size_t kTensorTypes = 27;

/// A row of the table of types.
struct TensorTypeInfo {
  TensorType type;
  /// As ggml spells it: "Q4_K".
  std::string_view name;
  /// The number of columns that a block covers.
  std::size_t block_elements;
  std::size_t block_bytes;
};

/// Returns the type with ggml's number `id`, or nullptr if pith does not read it.
const TensorTypeInfo* find_tensor_type(std::uint32_t id) noexcept;

/// Throws Error(kInternal) for a value that is none of the enumerators.
const TensorTypeInfo& type_info(TensorType type);

/// Returns row i of the table, i < kTensorTypes, for loops over all types.
const TensorTypeInfo& tensor_type_at(std::size_t i) noexcept;

/// Returns the name of any type that ggml has ever had ("IQ2_XXS"), for messages; "77" for an unknown number.
std::string ggml_type_name(std::uint32_t id);

}  // namespace pith::gguf
