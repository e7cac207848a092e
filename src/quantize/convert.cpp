#include "quantize/convert.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/fail.h"
#include "base/printable.h"
#include "weights/dequantize.h"
#include "weights/finite.h"
#include "weights/quantize.h"

namespace pith::quantize {
namespace {

/// Weights that a thread takes at once: a multiple of all block sizes. Blocks follow each other through all rows,
/// because rows are whole blocks of both types, and depend on nothing but their own weights.
constexpr std::size_t kSlice = std::size_t{1} << 15;
/// Slices that are written at once, per thread.
constexpr std::size_t kSlicesPerThread = 8;

/// The bytes of a part of a tensor's weights.
struct Stored {
  gguf::TensorTypeInfo info;

  explicit Stored(gguf::TensorType type) : info(gguf::type_info(type)) {}

  std::size_t bytes(std::size_t elements) const { return elements / info.block_elements * info.block_bytes; }
};

class Converter {
 public:
  Converter(const gguf::File& file, const PlannedTensor& planned, ThreadPool& pool)
      : file_(file),
        tensor_(*planned.tensor),
        from_(planned.tensor->type),
        to_(planned.type),
        pool_(pool),
        weights_(static_cast<std::size_t>(pool.size())) {}

  void run(const ByteSink& sink, const std::function<void(std::size_t bytes)>& done) {
    const std::size_t elements = tensor_.data.size() / from_.info.block_bytes * from_.info.block_elements;
    const std::size_t piece = kSlice * kSlicesPerThread * weights_.size();
    std::vector<std::byte> out;
    for (std::size_t begin = 0; begin < elements; begin += piece) {
      const std::size_t count = std::min(piece, elements - begin);
      const auto read = tensor_.data.subspan(from_.bytes(begin), from_.bytes(count));
      out.resize(to_.bytes(count));
      pool_.run((count + kSlice - 1) / kSlice, [&](std::size_t i, std::size_t worker) {
        const std::size_t at = i * kSlice;
        const std::size_t own = std::min(kSlice, count - at);
        convert(read.subspan(from_.bytes(at), from_.bytes(own)), std::span(out).subspan(to_.bytes(at), to_.bytes(own)),
                begin + at, weights_[worker]);
      });
      file_.done_with(read);
      sink(out);
      done(read.size());
    }
  }

 private:
  /// Converts the weights from `at` on.
  void convert(std::span<const std::byte> read, std::span<std::byte> written, std::size_t at,
               std::vector<float>& weights) const {
    if (from_.info.type == to_.info.type) {
      std::copy(read.begin(), read.end(), written.begin());
      check(written, at, ErrorKind::kFormat);
      return;
    }
    weights.resize(read.size() / from_.info.block_bytes * from_.info.block_elements);
    weights::dequantize(from_.info.type, read, weights);
    // What was read, as floats: bytes of the file may change between two looks at them.
    if (const auto bad = weights::find_not_finite(gguf::TensorType::kF32, std::as_bytes(std::span(weights)))) {
      fail_not_finite(*bad, at);
    }
    weights::quantize(to_.info.type, weights, written);
    check(written, at, ErrorKind::kUnsupported);
  }

  void check(std::span<const std::byte> blocks, std::size_t at, ErrorKind kind) const {
    const auto bad = weights::find_not_finite(to_.info.type, blocks);
    if (!bad) return;
    if (kind == ErrorKind::kFormat) fail_not_finite(*bad, at);
    const std::size_t index = at + bad->column;
    fail(kind, "{}: tensor {} has weights at row {}, column {} and after it that are too large for {}",
         file_.path_of(tensor_), printable(tensor_.name), index / tensor_.columns(), index % tensor_.columns(),
         to_.info.name);
  }

  [[noreturn]] void fail_not_finite(const weights::NotFinite& bad, std::size_t at) const {
    file_.check_read();
    const std::size_t index = at + bad.column;
    fail(ErrorKind::kFormat, "{}: tensor {} ({}) has the {} {} at row {}, column {}, must be finite",
         file_.path_of(tensor_), printable(tensor_.name), from_.info.name, bad.what, bad.value,
         index / tensor_.columns(), index % tensor_.columns());
  }

  const gguf::File& file_;
  const gguf::TensorInfo& tensor_;
  Stored from_;
  Stored to_;
  ThreadPool& pool_;
  /// One per thread.
  std::vector<std::vector<float>> weights_;
};

}  // namespace

void convert_tensor(const gguf::File& file, const PlannedTensor& planned, ThreadPool& pool, const ByteSink& sink,
                    const std::function<void(std::size_t bytes)>& done) {
  Converter(file, planned, pool).run(sink, done);
}

}  // namespace pith::quantize
