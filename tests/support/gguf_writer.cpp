#include "support/gguf_writer.h"

#include <cstring>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace pith::test {
namespace {

std::uint64_t aligned(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

void pad(Bytes& bytes, std::uint64_t alignment) {
  bytes.resize(static_cast<std::size_t>(aligned(bytes.size(), alignment)));
}

}  // namespace

void append_bytes(Bytes& bytes, std::span<const std::byte> more) {
  const std::size_t end = bytes.size();
  bytes.resize(end + more.size());
  if (!more.empty()) std::memcpy(&bytes[end], more.data(), more.size());
}

void append_string(Bytes& bytes, std::string_view text) {
  append_number(bytes, std::uint64_t{text.size()});
  append_bytes(bytes, std::as_bytes(std::span(text)));
}

GgufWriter& GgufWriter::add(std::string_view key, std::string_view value) {
  Bytes bytes;
  append_string(bytes, value);
  return add_raw(key, static_cast<std::uint32_t>(gguf::ValueType::kString), bytes);
}

GgufWriter& GgufWriter::add_array(std::string_view key, const std::vector<std::string>& values) {
  Bytes bytes;
  append_number(bytes, static_cast<std::uint32_t>(gguf::ValueType::kString));
  append_number(bytes, std::uint64_t{values.size()});
  for (const std::string& value : values) append_string(bytes, value);
  return add_raw(key, static_cast<std::uint32_t>(gguf::ValueType::kArray), bytes);
}

GgufWriter& GgufWriter::add_raw(std::string_view key, std::uint32_t type, std::span<const std::byte> value) {
  keys.push_back({std::string(key), type, Bytes(value.begin(), value.end())});
  return *this;
}

GgufWriter& GgufWriter::remove(std::string_view key) {
  std::erase_if(keys, [&](const Key& k) { return k.name == key; });
  return *this;
}

GgufWriter& GgufWriter::set_alignment(std::uint32_t bytes) {
  alignment = bytes;
  return add("general.alignment", bytes);
}

GgufWriter& GgufWriter::add_tensor(std::string_view name, gguf::TensorType type, std::vector<std::uint64_t> dims,
                                   Bytes data) {
  return add_tensor_raw(name, static_cast<std::uint32_t>(type), std::move(dims), std::move(data));
}

GgufWriter& GgufWriter::add_tensor_raw(std::string_view name, std::uint32_t type, std::vector<std::uint64_t> dims,
                                       Bytes data) {
  tensors.push_back({std::string(name), type, std::move(dims), std::move(data), std::nullopt});
  return *this;
}

GgufWriter& GgufWriter::add_tensor(std::string_view name, std::vector<std::uint64_t> dims,
                                   std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return add_tensor(name, gguf::TensorType::kF32, std::move(dims), Bytes(bytes.begin(), bytes.end()));
}

std::vector<std::uint64_t> GgufWriter::offsets() const {
  std::vector<std::uint64_t> offsets;
  std::uint64_t end = 0;
  for (const Tensor& tensor : tensors) {
    offsets.push_back(aligned(end, alignment));
    end = offsets.back() + tensor.data.size();
  }
  return offsets;
}

Bytes GgufWriter::header() const {
  Bytes bytes;
  append_bytes(bytes, std::as_bytes(std::span(magic)));
  append_number(bytes, version);
  append_number(bytes, stated_tensors.value_or(tensors.size()));
  append_number(bytes, stated_keys.value_or(keys.size()));
  for (const Key& key : keys) {
    append_string(bytes, key.name);
    append_number(bytes, key.type);
    append_bytes(bytes, key.value);
  }
  const std::vector<std::uint64_t> at = offsets();
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    append_string(bytes, tensors[i].name);
    append_number(bytes, static_cast<std::uint32_t>(tensors[i].dims.size()));
    for (const std::uint64_t dim : tensors[i].dims) append_number(bytes, dim);
    append_number(bytes, tensors[i].type);
    append_number(bytes, tensors[i].stated_offset.value_or(at[i]));
  }
  return bytes;
}

Bytes GgufWriter::bytes() const {
  Bytes bytes = header();
  if (!tensors.empty()) pad(bytes, alignment);
  for (const Tensor& tensor : tensors) {
    append_bytes(bytes, tensor.data);
    pad(bytes, alignment);
  }
  return bytes;
}

void GgufWriter::write(const std::filesystem::path& path) const { write_file(path, bytes()); }

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + path.string());
}

}  // namespace pith::test
