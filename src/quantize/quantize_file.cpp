#include "quantize/quantize_file.h"

#include <numeric>
#include <system_error>

#include "base/checked.h"
#include "base/fail.h"
#include "base/memory.h"
#include "base/thread_pool.h"
#include "gguf/header_writer.h"
#include "io/atomic_file.h"
#include "quantize/convert.h"
#include "quantize/plan.h"

namespace pith::quantize {
namespace {

constexpr const char* kFor = "quantize a model";
constexpr std::string_view kTypeKey = "general.file_type";
constexpr std::string_view kVersionKey = "general.quantization_version";
/// Of ggml's block formats: they have been these since 2023.
constexpr std::uint32_t kQuantizationVersion = 2;

std::uint64_t alignment_of(const gguf::File& file) {
  return file.metadata().get<std::uint64_t>("general.alignment").value_or(32);
}

gguf::HeaderWriter make_header(const gguf::File& file, const std::vector<PlannedTensor>& plan, const Mix& mix) {
  gguf::HeaderWriter header(alignment_of(file));
  for (const auto& [key, value] : file.metadata().entries()) {
    if (key.starts_with("split.")) continue;
    if (key == kTypeKey) {
      header.add(key, mix.file_type);
    } else if (key == kVersionKey) {
      header.add(key, kQuantizationVersion);
    } else {
      header.add(key, value);
    }
  }
  if (!file.metadata().has(kVersionKey)) header.add(kVersionKey, kQuantizationVersion);
  if (!file.metadata().has(kTypeKey)) header.add(kTypeKey, mix.file_type);
  for (const PlannedTensor& planned : plan) {
    header.add_tensor(planned.tensor->name, planned.type, planned.tensor->dims);
  }
  return header;
}

QuantizeReport make_report(const gguf::File& file, const std::vector<PlannedTensor>& plan,
                           const gguf::HeaderWriter& header) {
  QuantizeReport report;
  for (std::size_t i = 0; i < file.parts(); ++i) report.bytes_before += file.part_bytes(i).size();
  report.bytes_after = header.file_bytes();
  for (const PlannedTensor& planned : plan) {
    const gguf::TensorInfo& tensor = *planned.tensor;
    QuantizedTensor& row = report.tensors.emplace_back();
    row.name = tensor.name;
    row.shape = tensor.dims;
    row.type_before = gguf::type_info(tensor.type).name;
    row.type_after = gguf::type_info(planned.type).name;
    row.elements = tensor.columns() * tensor.rows();
    row.bytes_before = tensor.data.size();
    row.bytes_after = gguf::tensor_bytes(tensor.name, planned.type, tensor.dims);
    row.note = planned.note;
    report.elements += row.elements;
  }
  return report;
}

/// Throws Error(kInvalidArgument) if the output exists without leave, or is one of the inputs.
void check_output(const gguf::File& file, const std::filesystem::path& output, bool overwrite) {
  std::error_code ignored;
  for (std::size_t i = 0; i < file.parts(); ++i) {
    if (std::filesystem::equivalent(file.part_path(i), output, ignored)) {
      fail(ErrorKind::kInvalidArgument, "{}: is the model that is read, and cannot be written too", output.string());
    }
  }
  if (!overwrite && std::filesystem::exists(std::filesystem::symlink_status(output, ignored))) {
    fail(ErrorKind::kInvalidArgument, "{}: exists already, and takes overwrite (--force) to be replaced",
         output.string());
  }
}

/// Whoever may read the input may read the output.
std::filesystem::perms permissions_of(const gguf::File& file) {
  constexpr auto kNotExecutable = static_cast<std::filesystem::perms>(0666);
  return std::filesystem::status(file.path()).permissions() & kNotExecutable;
}

/// Writes a header and tensors, and knows how much there is left.
class Writer {
 public:
  Writer(const gguf::File& file, const std::filesystem::path& output, const QuantizeOptions& options,
         const io::FileOps& ops)
      : file_(file), options_(options), out_(output, ops), alignment_(alignment_of(file)) {
    for (const gguf::TensorInfo& tensor : file.tensors()) total_ += tensor.data.size();
  }

  void write(const gguf::HeaderWriter& header, const std::vector<PlannedTensor>& plan) {
    ThreadPool pool(options_.threads);
    put(header.bytes());
    for (const PlannedTensor& planned : plan) {
      convert_tensor(
          file_, planned, pool, [&](std::span<const std::byte> bytes) { put(bytes); },
          [&](std::size_t bytes) { report(bytes); });
      const std::vector<std::byte> padding(static_cast<std::size_t>(*checked_align(written_, alignment_) - written_));
      put(padding);
    }
    out_.set_permissions(permissions_of(file_));
    // The header's bytes were read where they are mapped.
    file_.check_read();
    if (written_ != header.file_bytes()) {
      fail(ErrorKind::kInternal, "{} bytes were written, {} were meant to be", written_, header.file_bytes());
    }
    out_.commit();
  }

 private:
  void put(std::span<const std::byte> bytes) {
    out_.write(bytes);
    written_ += bytes.size();
  }

  void report(std::size_t bytes) {
    done_ += bytes;
    if (options_.progress) options_.progress(static_cast<double>(done_) / static_cast<double>(total_));
  }

  const gguf::File& file_;
  const QuantizeOptions& options_;
  io::AtomicFile out_;
  std::uint64_t alignment_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace

QuantizeReport quantize_with(const std::filesystem::path& input, const std::filesystem::path& output,
                             const QuantizeOptions& options, const io::FileOps& ops) {
  return with_memory_for(kFor, [&] {
    const gguf::File file = gguf::File::open(input);
    return gguf::reading(file, [&] {
      check_output(file, output, options.overwrite);
      const std::vector<PlannedTensor> plan = plan_tensors(file, options);
      const gguf::HeaderWriter header = make_header(file, plan, find_mix(options.type));
      Writer(file, output, options, ops).write(header, plan);
      return make_report(file, plan, header);
    });
  });
}

}  // namespace pith::quantize

namespace pith::inline v0_1 {

double QuantizeReport::bits_per_weight() const noexcept {
  const auto bytes =
      std::accumulate(tensors.begin(), tensors.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const QuantizedTensor& row) { return sum + row.bytes_after; });
  return elements == 0 ? 0.0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(elements);
}

std::vector<std::string> quantize_mixes() {
  std::vector<std::string> names;
  for (const quantize::Mix& mix : quantize::all_mixes()) names.emplace_back(mix.name);
  return names;
}

QuantizeReport plan_quantization(const std::filesystem::path& input, const QuantizeOptions& options) {
  return with_memory_for(quantize::kFor, [&] {
    const gguf::File file = gguf::File::open(input);
    return gguf::reading(file, [&] {
      const std::vector<quantize::PlannedTensor> plan = quantize::plan_tensors(file, options);
      return quantize::make_report(file, plan, quantize::make_header(file, plan, quantize::find_mix(options.type)));
    });
  });
}

QuantizeReport quantize_file(const std::filesystem::path& input, const std::filesystem::path& output,
                             const QuantizeOptions& options) {
  return quantize::quantize_with(input, output, options, io::FileOps());
}

}  // namespace pith::inline v0_1
