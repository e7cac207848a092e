#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pith::gguf {

/// The tensor types that pith reads, by ggml's numbers. Elements lie in blocks along the columns.
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
  kIQ4_NL = 20,
  kIQ4_XS = 23,
  kBF16 = 30,
};

inline constexpr std::size_t kTensorTypes = 15;

/// One row of the table of types.
struct TensorTypeInfo {
  TensorType type;
  /// As ggml spells it: "Q4_K".
  std::string_view name;
  /// Columns that a block covers.
  std::size_t block_elements;
  std::size_t block_bytes;
};

/// The type with ggml's number `id`; nullptr if pith does not read it.
const TensorTypeInfo* find_tensor_type(std::uint32_t id) noexcept;

/// Throws Error(kInternal) for a value that is none of the enumerators.
const TensorTypeInfo& type_info(TensorType type);

/// The i-th row of the table, i < kTensorTypes: for loops over all types.
const TensorTypeInfo& tensor_type_at(std::size_t i) noexcept;

/// The name of any number that ggml has ever given to a type ("IQ2_XXS"), "type 77" for others: for messages.
std::string ggml_type_name(std::uint32_t id);

}  // namespace pith::gguf
