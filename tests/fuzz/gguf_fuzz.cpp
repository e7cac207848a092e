// Parses bytes as a GGUF file: what is accepted lies within them, and reads the same when written again.
#include <algorithm>
#include <tuple>

#include "fuzz/fuzz.h"
#include "fuzz/gguf_edit.h"
#include "gguf/parse.h"
#include "gguf/shards.h"

namespace pith::fuzz {
namespace {

bool within(std::span<const std::byte> part, std::span<const std::byte> file) {
  return part.empty() || (part.data() >= file.data() && part.data() + part.size() <= file.data() + file.size());
}

/// Reads every byte, so that sanitizers notice one outside of the file.
unsigned touch(std::span<const std::byte> bytes) {
  unsigned sum = 0;
  for (const std::byte b : bytes) sum += std::to_integer<unsigned>(b);
  return sum;
}

template <typename... Types>
void read_as(const gguf::Metadata& metadata, std::string_view key) {
  (refused([&] { std::ignore = metadata.get<Types>(key); }), ...);
}

/// Checks that every accessor gives a value or refuses.
void check_value(const gguf::Metadata& metadata, const gguf::MetadataEntry& entry, std::span<const std::byte> file) {
  require(within(std::as_bytes(std::span(entry.key)), file) && within(entry.value.bytes, file),
          "values lie in the file");
  require(metadata.find(entry.key) == &entry.value, "a key is found");
  touch(entry.value.bytes);
  read_as<bool, std::int32_t, std::uint32_t, std::int64_t, std::uint64_t, float, double, std::string_view>(metadata,
                                                                                                           entry.key);
  const bool texts = !refused([&] {
    for (const std::string_view text : metadata.strings(entry.key)) {
      require(within(std::as_bytes(std::span(text)), file), "texts of an array lie in the file");
      touch(std::as_bytes(std::span(text)));
    }
  });
  const bool floats = !refused([&] { require(metadata.floats(entry.key).size() == entry.value.count, "all floats"); });
  const bool integers =
      !refused([&] { require(metadata.integers(entry.key).size() == entry.value.count, "all integers"); });
  require(!(texts && (floats || integers)), "elements are of one kind");
  require(to_text(entry.value).find('\n') == std::string::npos, "a value is shown on one line");
  require(!type_text(entry.value).empty(), "a type has a name");
}

void check_tensor(const gguf::TensorInfo& tensor, std::span<const std::byte> file) {
  require(within(tensor.data, file), "tensors lie in the file");
  touch(tensor.data);
  const gguf::TensorTypeInfo& type = gguf::type_info(tensor.type);
  require(!tensor.dims.empty() && tensor.dims.size() <= 4, "1 to 4 dimensions");
  require(tensor.columns() % type.block_elements == 0, "rows are whole blocks");
  require(tensor.data.size() == tensor.rows() * (tensor.columns() / type.block_elements) * type.block_bytes,
          "data is as long as the shape says");
}

void check_apart(std::vector<gguf::TensorInfo> tensors) {
  const auto begins_earlier = [](const auto& a, const auto& b) { return a.data.data() < b.data.data(); };
  std::sort(tensors.begin(), tensors.end(), begins_earlier);
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    require(tensors[i - 1].data.data() + tensors[i - 1].data.size() <= tensors[i].data.data(),
            "tensors do not overlap");
  }
}

void check_rewritten(const gguf::Parsed& parsed, std::span<const std::byte> file) {
  const std::optional<GgufContents> contents = read_contents(file);
  require(contents.has_value(), "a file is accepted twice");
  const test::Bytes bytes = contents->bytes();
  const gguf::Parsed again = gguf::parse(bytes, "again.gguf");
  require(again.version == parsed.version, "the version is the same");
  const auto same_entry = [](const gguf::MetadataEntry& a, const gguf::MetadataEntry& b) {
    return a.key == b.key && a.value.type == b.value.type && a.value.element == b.value.element &&
           a.value.count == b.value.count && std::ranges::equal(a.value.bytes, b.value.bytes);
  };
  require(std::ranges::equal(parsed.metadata.entries(), again.metadata.entries(), same_entry), "the keys are the same");
  const auto same_tensor = [](const gguf::TensorInfo& a, const gguf::TensorInfo& b) {
    return a.name == b.name && a.type == b.type && a.dims == b.dims && std::ranges::equal(a.data, b.data);
  };
  require(std::ranges::equal(parsed.tensors, again.tensors, same_tensor), "the tensors are the same");
}

void run(std::span<const std::byte> file) {
  refused([&] {
    const gguf::Parsed parsed = gguf::parse(file, "fuzz.gguf");
    for (const gguf::MetadataEntry& entry : parsed.metadata.entries()) check_value(parsed.metadata, entry, file);
    for (const gguf::TensorInfo& tensor : parsed.tensors) check_tensor(tensor, file);
    check_apart(parsed.tensors);
    check_rewritten(parsed, file);
    const gguf::Shard shard = gguf::read_shard(parsed.metadata, "fuzz.gguf");
    require(shard.index < shard.count, "a part is one of all");
  });
}

}  // namespace
}  // namespace pith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pith::fuzz::run(std::as_bytes(std::span(data, size)));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
  return pith::fuzz::mutate_gguf(data, size, size_max, seed);
}
