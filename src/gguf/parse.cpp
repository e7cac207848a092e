#include "gguf/parse.h"

#include <algorithm>
#include <bit>
#include <string_view>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "gguf/reader.h"
#include "gguf/tensor_table.h"

namespace pith::gguf {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kVersionMin = 2;
constexpr std::uint32_t kVersionMax = 3;
constexpr std::size_t kKeyBytesMax = 65535;
/// Real files have fewer than a hundred keys. The limit bounds the list, which is kept in memory.
constexpr std::uint64_t kKeysMax = 65536;
/// The smallest entry: a key of one character and a value of one byte.
constexpr std::size_t kEntryBytesMin = 8 + 1 + 4 + 1;
constexpr std::uint64_t kAlignmentDefault = 32;
constexpr std::uint64_t kAlignmentMin = 8;
constexpr std::uint64_t kAlignmentMax = std::uint64_t{1} << 24;

void read_magic(Reader& reader) {
  if (reader.left() < kMagic.size()) {
    fail(ErrorKind::kFormat, "{}: is {} bytes long, too short for a GGUF file", reader.path(), reader.left());
  }
  const auto bytes = reader.take(kMagic.size(), "the magic");
  const std::string_view magic(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (magic != kMagic) {
    fail(ErrorKind::kFormat, "{}: begins with \"{}\", a GGUF file begins with \"{}\"", reader.path(), printable(magic),
         kMagic);
  }
}

std::uint32_t read_version(Reader& reader) {
  const std::uint32_t version = reader.u32("the version");
  if (version >= kVersionMin && version <= kVersionMax) return version;
  // Version numbers are small: if the low half is zero, the file is big-endian.
  if (version != 0 && (version & 0xFFFFU) == 0) {
    fail(ErrorKind::kUnsupported, "{}: is a big-endian GGUF file, pith reads little-endian ones", reader.path());
  }
  const ErrorKind kind = version == 0 ? ErrorKind::kFormat : ErrorKind::kUnsupported;
  fail(kind, "{}: is GGUF version {}, pith reads {} and {}", reader.path(), version, kVersionMin, kVersionMax);
}

std::string_view read_key(Reader& reader, std::size_t index) {
  const std::string what = fmt::format("key {}", index);
  const std::string_view key = reader.string(what);
  if (key.empty()) fail(ErrorKind::kFormat, "{}: {} is empty", reader.path(), what);
  if (key.size() > kKeyBytesMax) {
    fail(ErrorKind::kFormat, "{}: {} is {} bytes long, at most {} are allowed", reader.path(), what, key.size(),
         kKeyBytesMax);
  }
  if (std::any_of(key.begin(), key.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    fail(ErrorKind::kFormat, "{}: {} is \"{}\", must be printable ASCII", reader.path(), what, printable(key));
  }
  return key;
}

Metadata read_metadata(Reader& reader, std::size_t count) {
  std::vector<MetadataEntry> entries;
  entries.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view key = read_key(reader, i);
    entries.push_back({key, read_value(reader, key)});
  }
  return {reader.path(), std::move(entries)};
}

std::uint64_t read_alignment(const Metadata& metadata, const std::string& path) {
  constexpr std::string_view kKey = "general.alignment";
  const Value* value = metadata.find(kKey);
  if (value == nullptr) return kAlignmentDefault;
  if (value->type != ValueType::kUint32) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must be uint32", path, kKey, type_text(*value));
  }
  const auto alignment = metadata.require<std::uint64_t>(kKey);
  if (!std::has_single_bit(alignment) || alignment < kAlignmentMin || alignment > kAlignmentMax) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must be a power of two from {} to {}", path, kKey, alignment, kAlignmentMin,
         kAlignmentMax);
  }
  return alignment;
}

}  // namespace

Parsed parse(std::span<const std::byte> bytes, const std::string& path) { return parse(bytes, bytes, path); }

Parsed parse(std::span<const std::byte> header, std::span<const std::byte> bytes, const std::string& path) {
  Reader reader(header, path);
  read_magic(reader);
  Parsed parsed;
  parsed.version = read_version(reader);
  const std::uint64_t tensors_stated = reader.u64("the number of tensors");
  const std::uint64_t keys_stated = reader.u64("the number of keys");
  const std::size_t keys = reader.count(keys_stated, kEntryBytesMin, "the list of keys");
  if (keys_stated > kKeysMax) {
    fail(ErrorKind::kFormat, "{}: the file has {} keys, at most {} are allowed", path, keys_stated, kKeysMax);
  }
  reader.count(tensors_stated, kTensorEntryBytesMin, "the list of tensors");
  parsed.metadata = read_metadata(reader, keys);
  const std::uint64_t alignment = read_alignment(parsed.metadata, path);
  parsed.tensors = read_tensor_table(reader, tensors_stated, bytes, alignment);
  return parsed;
}

}  // namespace pith::gguf
