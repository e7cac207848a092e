#include "gguf/header_writer.h"

#include <optional>

#include "base/checked.h"
#include "base/fail.h"
#include "base/printable.h"

namespace pith::gguf {
namespace {

constexpr std::string_view kMagicWritten = "GGUF";
constexpr std::uint32_t kVersionWritten = 3;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::uint64_t tensor_bytes(std::string_view name, TensorType type, std::span<const std::uint64_t> dims) {
  const TensorTypeInfo& info = type_info(type);
  std::optional<std::uint64_t> elements = 1;
  for (const std::uint64_t dim : dims) elements = elements ? checked_mul(*elements, dim) : elements;
  const auto bytes =
      elements ? checked_mul<std::uint64_t>(*elements / info.block_elements, info.block_bytes) : elements;
  if (!bytes) fail(ErrorKind::kUnsupported, "tensor {} is too large for {}", printable(name), info.name);
  return *bytes;
}

void HeaderWriter::add(std::string_view key, const Value& value) {
  keys_text_.put_text(key);
  keys_text_.put(static_cast<std::uint32_t>(value.type));
  if (value.is_array()) {
    keys_text_.put(static_cast<std::uint32_t>(value.element));
    keys_text_.put(std::uint64_t{value.count});
    keys_text_.put_bytes(value.bytes);
  } else if (value.type == ValueType::kString) {
    keys_text_.put_text(text_of(value.bytes));
  } else {
    keys_text_.put_bytes(value.bytes);
  }
  ++keys_;
}

void HeaderWriter::add(std::string_view key, std::uint32_t value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  add(key, {.type = ValueType::kUint32, .element = ValueType::kUint32, .count = 1, .bytes = bytes});
}

void HeaderWriter::add_tensor(std::string_view name, TensorType type, std::span<const std::uint64_t> dims) {
  tensors_text_.put_text(name);
  tensors_text_.put(static_cast<std::uint32_t>(dims.size()));
  for (const std::uint64_t dim : dims) tensors_text_.put(dim);
  tensors_text_.put(static_cast<std::uint32_t>(type));
  tensors_text_.put(data_bytes_);
  const auto end = checked_add(data_bytes_, tensor_bytes(name, type, dims));
  const auto padded = end ? checked_align(*end, alignment_) : end;
  if (!padded) fail(ErrorKind::kUnsupported, "tensor {} ends beyond what 64 bits count", printable(name));
  data_bytes_ = *padded;
  ++tensors_;
}

std::vector<std::byte> HeaderWriter::bytes() const {
  io::FieldWriter fields;
  fields.put_bytes(std::as_bytes(std::span(kMagicWritten)));
  fields.put(kVersionWritten);
  fields.put(tensors_);
  fields.put(keys_);
  fields.put_bytes(keys_text_.bytes());
  fields.put_bytes(tensors_text_.bytes());
  std::vector<std::byte> all(fields.bytes().begin(), fields.bytes().end());
  all.resize(static_cast<std::size_t>(*checked_align<std::uint64_t>(all.size(), alignment_)));
  return all;
}

std::uint64_t HeaderWriter::file_bytes() const {
  constexpr std::uint64_t kFixed = 4 + 4 + 8 + 8;
  return *checked_align<std::uint64_t>(kFixed + keys_text_.bytes().size() + tensors_text_.bytes().size(), alignment_) +
         data_bytes_;
}

}  // namespace pith::gguf
