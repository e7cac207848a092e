#include "fuzz/gguf_edit.h"

#include <pith/error.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "gguf/parse.h"

namespace pith::fuzz {
namespace {

using gguf::ValueType;
using test::Bytes;

/// Draws what to mutate, and how.
class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(engine_() % count); }
  std::uint64_t number() {
    constexpr std::array<std::uint64_t, 18> kTelling = {0,
                                                        1,
                                                        2,
                                                        3,
                                                        7,
                                                        8,
                                                        15,
                                                        16,
                                                        31,
                                                        32,
                                                        64,
                                                        127,
                                                        255,
                                                        256,
                                                        0x7FFFFFFF,
                                                        0xFFFFFFFF,
                                                        ~std::uint64_t{0} >> 1U,
                                                        ~std::uint64_t{0}};
    switch (below(4)) {
      case 0:
        return engine_();
      case 1:
        return std::uint64_t{1} << below(64);
      default:
        return kTelling[below(kTelling.size())];
    }
  }
  template <typename T>
  T& any(std::vector<T>& of) {
    return of[below(of.size())];
  }

 private:
  std::mt19937_64 engine_;
};

/// Mutates a part by libFuzzer's mutation; it may grow by a few bytes.
template <typename Text>
void mutate_part(Text& part) {
  constexpr std::size_t kMore = 16;
  const std::size_t size = part.size();
  part.resize(size + kMore);
  part.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(part.data()), size, size + kMore));
}

Bytes value_bytes(const gguf::Value& value) {
  Bytes bytes;
  if (value.is_array()) {
    test::append_number(bytes, static_cast<std::uint32_t>(value.element));
    test::append_number(bytes, std::uint64_t{value.count});
  } else if (value.type == ValueType::kString) {
    test::append_number(bytes, std::uint64_t{value.bytes.size()});
  }
  test::append_bytes(bytes, value.bytes);
  return bytes;
}

void set_number(Bytes& bytes, std::size_t at, std::uint64_t number, std::size_t size) {
  if (at + size <= bytes.size()) std::memcpy(&bytes[at], &number, size);
}

/// Writes another value of the same type, or at least of the same form.
void mutate_value(GgufContents::Key& key, Random& random) {
  const auto type = static_cast<ValueType>(key.type);
  constexpr std::size_t kLength = sizeof(std::uint64_t);
  if (type == ValueType::kString && random.below(4) != 0) {
    Bytes text(key.value.begin() + kLength, key.value.end());
    mutate_part(text);
    key.value.clear();
    test::append_number(key.value, std::uint64_t{text.size()});
    test::append_bytes(key.value, text);
  } else if (type == ValueType::kArray && random.below(2) == 0) {
    // The number of elements, one of them, or their type.
    const std::size_t part = random.below(3);
    if (part == 0) set_number(key.value, sizeof(std::uint32_t), random.number(), kLength);
    if (part == 1) set_number(key.value, 0, random.below(14), sizeof(std::uint32_t));
    if (part == 2) set_number(key.value, 12 + random.below(key.value.size()), random.number(), 1 + random.below(8));
  } else if (random.below(2) == 0) {
    set_number(key.value, 0, random.number(), std::min(key.value.size(), kLength));
  } else {
    mutate_part(key.value);
  }
}

void mutate_key(GgufContents& file, Random& random) {
  if (file.keys.empty()) return;
  GgufContents::Key& key = random.any(file.keys);
  switch (random.below(8)) {
    case 0:
      key.type = static_cast<std::uint32_t>(random.below(14));
      break;
    case 1:
      mutate_part(key.name);
      break;
    case 2:
      file.keys.erase(file.keys.begin() + static_cast<std::ptrdiff_t>(random.below(file.keys.size())));
      break;
    case 3:
      std::swap(key, random.any(file.keys));
      break;
    case 4: {
      // Swaps the values of two keys.
      GgufContents::Key& other = random.any(file.keys);
      std::swap(key.value, other.value);
      std::swap(key.type, other.type);
      break;
    }
    default:
      mutate_value(key, random);
  }
}

void mutate_tensor(GgufContents& file, Random& random) {
  if (file.tensors.empty()) return;
  test::GgufWriter::Tensor& tensor = random.any(file.tensors);
  switch (random.below(9)) {
    case 0:
      tensor.type = static_cast<std::uint32_t>(random.below(42));
      break;
    case 1:
      if (!tensor.dims.empty()) random.any(tensor.dims) = random.number();
      break;
    case 2:
      tensor.dims.insert(tensor.dims.begin() + static_cast<std::ptrdiff_t>(random.below(tensor.dims.size() + 1)),
                         1 + random.below(2));
      break;
    case 3:
      if (!tensor.dims.empty()) tensor.dims.pop_back();
      break;
    case 4:
      mutate_part(tensor.name);
      break;
    case 5:
      tensor.stated_offset = random.number();
      break;
    case 6:
      file.tensors.erase(file.tensors.begin() + static_cast<std::ptrdiff_t>(random.below(file.tensors.size())));
      break;
    case 7:
      std::swap(tensor.name, random.any(file.tensors).name);
      break;
    default: {
      // Some of the weights, including infinities and NaN.
      const std::size_t at = random.below(tensor.data.size() + 1);
      set_number(tensor.data, at, random.number(), 1 + random.below(8));
    }
  }
}

void mutate_file(GgufContents& file, Random& random) {
  switch (random.below(24)) {
    case 0:
      file.version = static_cast<std::uint32_t>(random.number());
      break;
    case 1:
      file.stated_keys = random.number();
      break;
    case 2:
      file.stated_tensors = random.number();
      break;
    case 3:
      file.alignment = std::uint64_t{1} << random.below(10);
      break;
    default:
      if (random.below(3) == 0) {
        mutate_tensor(file, random);
      } else {
        mutate_key(file, random);
      }
  }
}

}  // namespace

Bytes GgufContents::bytes() const {
  test::GgufWriter writer;
  writer.version = version;
  writer.alignment = alignment;
  writer.stated_tensors = stated_tensors;
  writer.stated_keys = stated_keys;
  writer.tensors = tensors;
  for (const Key& key : keys) writer.add_raw(key.name, key.type, key.value);
  return writer.bytes();
}

std::optional<GgufContents> read_contents(std::span<const std::byte> file) {
  GgufContents contents;
  try {
    const gguf::Parsed parsed = gguf::parse(file, "fuzz.gguf");
    contents.version = parsed.version;
    contents.alignment = parsed.metadata.get<std::uint64_t>("general.alignment").value_or(contents.alignment);
    for (const gguf::MetadataEntry& entry : parsed.metadata.entries()) {
      contents.keys.push_back(
          {std::string(entry.key), static_cast<std::uint32_t>(entry.value.type), value_bytes(entry.value)});
    }
    for (const gguf::TensorInfo& tensor : parsed.tensors) {
      contents.tensors.push_back({tensor.name, static_cast<std::uint32_t>(tensor.type), tensor.dims,
                                  Bytes(tensor.data.begin(), tensor.data.end()), std::nullopt});
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  return contents;
}

std::size_t mutate_gguf(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  Random random(seed);
  if (random.below(2) == 0) {
    if (std::optional<GgufContents> file = read_contents(std::as_bytes(std::span(data, size)))) {
      mutate_file(*file, random);
      const Bytes bytes = file->bytes();
      if (bytes.size() <= size_max) {
        std::memcpy(data, bytes.data(), bytes.size());
        return bytes.size();
      }
    }
  }
  return LLVMFuzzerMutate(data, size, size_max);
}

}  // namespace pith::fuzz
