#include "gguf/file.h"

#include <algorithm>
#include <iterator>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "gguf/parse.h"
#include "gguf/shards.h"

namespace pith::gguf {
namespace {

constexpr std::string_view kTensorsKey = "split.tensors.count";

void append(std::vector<TensorInfo>& all, std::vector<TensorInfo>&& some) {
  all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
}

/// Returns the length in bytes of the header, which is all that precedes the tensors' data.
std::size_t header_bytes(const Parsed& parsed, std::span<const std::byte> bytes) {
  std::size_t end = bytes.size();
  for (const TensorInfo& tensor : parsed.tensors)
    end = std::min(end, static_cast<std::size_t>(tensor.data.data() - bytes.data()));
  return end;
}

void check_shard(const Metadata& metadata, const std::filesystem::path& path, const Shard& wanted) {
  const Shard stated = read_shard(metadata, path);
  if (stated.count == wanted.count && stated.index == wanted.index) return;
  fail(ErrorKind::kFormat, "{}: states to be file {} of {} (split.no, split.count), must be file {} of {}",
       path.string(), stated.index + 1, stated.count, wanted.index + 1, wanted.count);
}

/// Returns whether a key describes the model, rather than how the file is laid out or named.
bool is_of_model(std::string_view key) {
  if (key == "general.architecture") return true;
  return !key.starts_with("split.") && !key.starts_with("general.");
}

/// Checks that a later file repeats keys of the first one with equal values and has no others, since only the first
/// file's keys are read.
void check_same_model(const Metadata& first, const Metadata& later, const std::filesystem::path& path) {
  for (const MetadataEntry& entry : later.entries()) {
    if (!is_of_model(entry.key)) continue;
    const Value* value = first.find(entry.key);
    const Value& own = entry.value;
    if (value != nullptr && value->type == own.type && value->element == own.element && value->count == own.count &&
        std::ranges::equal(value->bytes, own.bytes))
      continue;
    fail(ErrorKind::kFormat, "{}: {} is {} {}, the model's first file {}", path.string(), printable(entry.key),
         type_text(own), to_text(own),
         value == nullptr ? "has no such key" : fmt::format("says {} {}", type_text(*value), to_text(*value)));
  }
}

}  // namespace

File File::open(const std::filesystem::path& path, Headers headers) {
  File file;
  reading(file, [&] { file.open_all(path, headers); });
  file.check_read();
  return file;
}

void File::open_all(const std::filesystem::path& path, Headers headers) {
  path_ = path.string();
  Parsed first = open_part(path, headers);
  version_ = first.version;
  metadata_ = std::move(first.metadata);
  tensors_ = std::move(first.tensors);
  const Shard shard = read_shard(metadata_, path);
  if (shard.index != 0) {
    fail(ErrorKind::kInvalidArgument, "{}: is file {} of {} of a split model, open the first one", path_,
         shard.index + 1, shard.count);
  }
  open_others(path, shard.count, headers);
  index_tensors();
}

Parsed File::open_part(const std::filesystem::path& path, Headers headers) {
  Part& part = parts_.emplace_back(Part{MappedFile(path), {}});
  const std::span<const std::byte> bytes = part.mapping.bytes();
  Parsed parsed = parse(bytes, part.mapping.path());
  if (headers == Headers::kMapped) return parsed;
  const auto header = bytes.first(header_bytes(parsed, bytes));
  part.header.assign(header.begin(), header.end());
  return parse(part.header, bytes, part.mapping.path());
}

void File::open_others(const std::filesystem::path& first, std::size_t count, Headers headers) {
  /// Totals for the whole model, as each file states them.
  std::vector<std::pair<std::string, std::optional<std::uint64_t>>> stated;
  stated.emplace_back(path_, metadata_.get<std::uint64_t>(kTensorsKey));
  for (std::size_t i = 1; i < count; ++i) {
    const std::filesystem::path path = shard_path(first, i, count);
    Parsed parsed = open_part(path, headers);
    check_shard(parsed.metadata, path, {count, i});
    check_same_model(metadata_, parsed.metadata, path);
    stated.emplace_back(path.string(), parsed.metadata.get<std::uint64_t>(kTensorsKey));
    append(tensors_, std::move(parsed.tensors));
  }
  for (const auto& [path, tensors] : stated) {
    if (!tensors || *tensors == tensors_.size()) continue;
    fail(ErrorKind::kFormat, "{}: {} is {}, the model's files ({}) have {} tensors", path, kTensorsKey, *tensors, count,
         tensors_.size());
  }
}

const MappedFile* File::mapping_of(std::span<const std::byte> data) const noexcept {
  const auto at = std::find_if(parts_.begin(), parts_.end(), [&](const Part& p) { return p.mapping.holds(data); });
  return at == parts_.end() ? nullptr : &at->mapping;
}

const std::string& File::path_of(const TensorInfo& tensor) const noexcept {
  const MappedFile* mapping = mapping_of(tensor.data);
  return mapping == nullptr ? path_ : mapping->path();
}

void File::check_read() const {
  for (const Part& part : parts_) part.mapping.check_read();
}

void File::done_with(std::span<const std::byte> data) const {
  const MappedFile* mapping = mapping_of(data);
  if (mapping == nullptr) return;
  mapping->check_read();
  mapping->release(data);
}

void File::index_tensors() {
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), std::size_t{0});
  std::sort(by_name_.begin(), by_name_.end(),
            [&](std::size_t a, std::size_t b) { return tensors_[a].name < tensors_[b].name; });
  const auto twice = std::adjacent_find(by_name_.begin(), by_name_.end(), [&](std::size_t a, std::size_t b) {
    return tensors_[a].name == tensors_[b].name;
  });
  if (twice != by_name_.end()) {
    fail(ErrorKind::kFormat, "{}: tensor {} appears twice", path_, printable(tensors_[*twice].name));
  }
}

const TensorInfo* File::find(std::string_view name) const noexcept {
  const auto at = std::lower_bound(by_name_.begin(), by_name_.end(), name,
                                   [&](std::size_t i, std::string_view n) { return tensors_[i].name < n; });
  return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

const TensorInfo& File::require(std::string_view name) const {
  const TensorInfo* tensor = find(name);
  if (tensor == nullptr) fail(ErrorKind::kFormat, "{}: tensor {} is missing", path_, printable(name));
  return *tensor;
}

}  // namespace pith::gguf
