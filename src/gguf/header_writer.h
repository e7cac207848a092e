#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/tensor_type.h"
#include "gguf/value.h"
#include "io/fields.h"

namespace pith::gguf {

/// Returns the bytes of a tensor's data. The first dimension is a multiple of the type's block elements. Throws
/// Error(kUnsupported) naming the tensor if 64 bits do not count them.
std::uint64_t tensor_bytes(std::string_view name, TensorType type, std::span<const std::uint64_t> dims);

/// The header of a file of version 3: keys, then tensors, each in the order in which they are added. The caller writes
/// the tensors' data behind it, each padded to the alignment. Names are not checked: they come from a File.
class HeaderWriter {
 public:
  /// The alignment must be a power of two; the caller adds general.alignment if it is not 32.
  explicit HeaderWriter(std::uint64_t alignment) : alignment_(alignment) {}

  /// Adds a value as it is in another file, byte for byte.
  void add(std::string_view key, const Value& value);
  void add(std::string_view key, std::uint32_t value);
  /// Adds a tensor whose data lies behind that of those added before.
  void add_tensor(std::string_view name, TensorType type, std::span<const std::uint64_t> dims);

  /// Returns the header and the padding behind it.
  std::vector<std::byte> bytes() const;
  /// Returns the size of the whole file.
  std::uint64_t file_bytes() const;

 private:
  std::uint64_t alignment_;
  std::uint64_t keys_ = 0;
  std::uint64_t tensors_ = 0;
  std::uint64_t data_bytes_ = 0;
  io::FieldWriter keys_text_{};
  io::FieldWriter tensors_text_{};
};

}  // namespace pith::gguf
