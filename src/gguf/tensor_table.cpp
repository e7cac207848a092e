#include "gguf/tensor_table.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/checked.h"
#include "base/fail.h"
#include "base/printable.h"

namespace pith::gguf {
namespace {

constexpr std::size_t kNameBytesMax = 64;
constexpr std::uint32_t kRankMax = 4;
/// Three times what the largest models have. The limit bounds the list, which is kept in memory.
constexpr std::uint64_t kTensorsMax = 65536;
/// ggml counts elements with signed integers.
constexpr auto kSizeMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

/// An entry of the list: a tensor, and where the list says its data lies.
struct Listed {
  TensorInfo info;
  /// In bytes from the beginning of the data.
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

std::string read_name(Reader& reader, std::uint64_t index) {
  const std::string what = fmt::format("the name of tensor {}", index);
  const std::string_view name = reader.string(what);
  if (name.empty()) fail(ErrorKind::kFormat, "{}: {} is empty", reader.path(), what);
  if (name.size() > kNameBytesMax) {
    fail(ErrorKind::kFormat, "{}: {} is {} bytes long, at most {} are allowed", reader.path(), what, name.size(),
         kNameBytesMax);
  }
  return std::string(name);
}

std::vector<std::uint64_t> read_dims(Reader& reader, const std::string& name) {
  const std::string what = "the shape of tensor " + printable(name);
  const std::uint32_t rank = reader.u32(what);
  if (rank == 0 || rank > kRankMax) {
    fail(ErrorKind::kFormat, "{}: tensor {} has {} dimensions, allowed are 1 to {}", reader.path(), printable(name),
         rank, kRankMax);
  }
  std::vector<std::uint64_t> dims(rank);
  for (std::uint64_t& dim : dims) {
    dim = reader.u64(what);
    if (dim == 0 || dim > kSizeMax) {
      fail(ErrorKind::kFormat, "{}: tensor {} has a dimension of {}, must be 1 to {}", reader.path(), printable(name),
           static_cast<std::int64_t>(dim), kSizeMax);
    }
  }
  return dims;
}

TensorType read_type(Reader& reader, const std::string& name) {
  const std::uint32_t id = reader.u32("the type of tensor " + printable(name));
  const TensorTypeInfo* info = find_tensor_type(id);
  if (info != nullptr) return info->type;
  fail(ErrorKind::kUnsupported, "{}: tensor {} is of type {}, which pith does not read", reader.path(), printable(name),
       ggml_type_name(id));
}

/// Returns the size of a tensor's data in bytes.
std::uint64_t data_bytes(const TensorInfo& tensor, const std::string& path) {
  const TensorTypeInfo& type = type_info(tensor.type);
  if (tensor.columns() % type.block_elements != 0) {
    fail(ErrorKind::kFormat, "{}: tensor {} has {} columns, {} takes multiples of {}", path, printable(tensor.name),
         tensor.columns(), type.name, type.block_elements);
  }
  std::optional<std::uint64_t> elements = 1;
  for (const std::uint64_t dim : tensor.dims) elements = elements ? checked_mul(*elements, dim) : elements;
  const auto bytes =
      elements ? checked_mul<std::uint64_t>(*elements / type.block_elements, type.block_bytes) : elements;
  if (!bytes || *elements > kSizeMax || *bytes > kSizeMax) {
    fail(ErrorKind::kFormat, "{}: tensor {} is [{}], more than 64 bits can count", path, printable(tensor.name),
         fmt::join(tensor.dims, ", "));
  }
  return *bytes;
}

Listed read_entry(Reader& reader, std::uint64_t index, std::uint64_t alignment) {
  Listed tensor;
  tensor.info.name = read_name(reader, index);
  tensor.info.dims = read_dims(reader, tensor.info.name);
  tensor.info.type = read_type(reader, tensor.info.name);
  tensor.bytes = data_bytes(tensor.info, reader.path());
  tensor.offset = reader.u64("the offset of tensor " + printable(tensor.info.name));
  if (tensor.offset % alignment != 0) {
    fail(ErrorKind::kFormat, "{}: tensor {} is at offset {}, must be a multiple of {}", reader.path(),
         printable(tensor.info.name), tensor.offset, alignment);
  }
  return tensor;
}

/// Assigns each tensor its part of `data`, and checks that the parts lie there one after the other.
void place(std::vector<Listed>& tensors, std::span<const std::byte> data, std::uint64_t alignment,
           const std::string& path) {
  std::vector<Listed*> by_offset(tensors.size());
  std::transform(tensors.begin(), tensors.end(), by_offset.begin(), [](Listed& tensor) { return &tensor; });
  std::stable_sort(by_offset.begin(), by_offset.end(), [](auto* a, auto* b) { return a->offset < b->offset; });
  std::uint64_t end = 0;
  for (Listed* tensor : by_offset) {
    const std::string name = printable(tensor->info.name);
    if (tensor->offset < end) {
      fail(ErrorKind::kFormat, "{}: tensor {} at offset {} overlaps the one before it, which ends at {}", path, name,
           tensor->offset, end);
    }
    if (tensor->offset - end >= alignment) {
      fail(ErrorKind::kFormat, "{}: {} bytes before tensor {} belong to no tensor, padding is less than {}", path,
           tensor->offset - end, name, alignment);
    }
    if (tensor->offset > data.size() || tensor->bytes > data.size() - tensor->offset) {
      fail(ErrorKind::kFormat, "{}: tensor {} takes {} bytes at offset {}, the file has {} bytes of data", path, name,
           tensor->bytes, tensor->offset, data.size());
    }
    tensor->info.data = data.subspan(static_cast<std::size_t>(tensor->offset), static_cast<std::size_t>(tensor->bytes));
    end = tensor->offset + tensor->bytes;
  }
  if (data.size() - end >= alignment) {
    fail(ErrorKind::kFormat, "{}: {} bytes after the last tensor belong to no tensor, padding is less than {}", path,
         data.size() - end, alignment);
  }
}

}  // namespace

std::vector<TensorInfo> read_tensor_table(Reader& reader, std::uint64_t count, std::span<const std::byte> file,
                                          std::uint64_t alignment) {
  if (count > kTensorsMax) {
    fail(ErrorKind::kFormat, "{}: the file has {} tensors, at most {} are allowed", reader.path(), count, kTensorsMax);
  }
  std::vector<Listed> tensors(reader.count(count, kTensorEntryBytesMin, "the list of tensors"));
  for (std::size_t i = 0; i < tensors.size(); ++i) tensors[i] = read_entry(reader, i, alignment);
  // A file without tensors has no data, and the padding before the data may then be missing.
  const std::uint64_t begin =
      std::min(*checked_align<std::uint64_t>(reader.offset(), alignment), std::uint64_t{file.size()});
  place(tensors, file.subspan(static_cast<std::size_t>(begin)), alignment, reader.path());
  std::vector<TensorInfo> result;
  result.reserve(tensors.size());
  for (Listed& tensor : tensors) result.push_back(std::move(tensor.info));
  return result;
}

}  // namespace pith::gguf
