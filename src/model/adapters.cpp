#include "model/adapters.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "weights/dequantize.h"
#include "weights/finite.h"

namespace pith::model {
namespace {

constexpr std::string_view kA = ".lora_a";
constexpr std::string_view kB = ".lora_b";
/// The embedding's pair has the order of the two turned around: its rows are looked up.
constexpr std::string_view kEmbedding = "token_embd.weight";
constexpr std::size_t kRankMax = 4096;

void require_text(const gguf::File& file, const char* key, std::string_view wanted, ErrorKind kind) {
  const auto value = file.metadata().require<std::string_view>(key);
  if (value == wanted) return;
  fail(kind, "{}: {} is \"{}\", must be \"{}\"", file.path(), key, printable(value), wanted);
}

std::vector<float> expanded(const gguf::File& file, const gguf::TensorInfo& tensor) {
  std::vector<float> values(tensor.rows() * tensor.columns());
  if (const auto bad = weights::find_not_finite(tensor.type, tensor.data)) {
    fail(ErrorKind::kFormat, "{}: tensor {} has the {} {}, must be finite", file.path(), printable(tensor.name),
         bad->what, bad->value);
  }
  weights::dequantize(tensor.type, tensor.data, values);
  file.done_with(tensor.data);
  return values;
}

std::vector<float> transposed(const std::vector<float>& x, std::size_t rows, std::size_t columns) {
  std::vector<float> out(x.size());
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = x[r * columns + c];
  }
  return out;
}

weights::PackedMatrix packed(std::span<const float> values, std::size_t rows, std::size_t columns, ThreadPool& pool) {
  return {gguf::TensorType::kF32, std::as_bytes(values), rows, columns, true, pool};
}

}  // namespace

Adapters::Adapters(std::span<const AdapterOptions> options, std::string_view architecture) {
  for (const AdapterOptions& adapter : options) read(adapter, architecture);
}

void Adapters::read(const AdapterOptions& options, std::string_view architecture) {
  if (!std::isfinite(options.scale)) {
    fail(ErrorKind::kInvalidArgument, "the scale of adapter {} is {}, must be finite", options.path.string(),
         options.scale);
  }
  const gguf::File file = gguf::File::open(options.path, gguf::File::Headers::kCopied);
  require_text(file, "general.type", "adapter", ErrorKind::kFormat);
  require_text(file, "adapter.type", "lora", ErrorKind::kUnsupported);
  require_text(file, "general.architecture", architecture, ErrorKind::kInvalidArgument);
  if (file.metadata().has("adapter.alora.invocation_tokens")) {
    fail(ErrorKind::kUnsupported,
         "{}: adapters that begin at certain tokens are not supported (adapter.alora.invocation_tokens)", file.path());
  }
  const double alpha = file.metadata().get<double>("adapter.lora.alpha").value_or(0.0);
  if (!std::isfinite(alpha)) {
    fail(ErrorKind::kFormat, "{}: adapter.lora.alpha is {}, must be finite", file.path(), alpha);
  }
  gguf::reading(file, [&] {
    for (const gguf::TensorInfo& tensor : file.tensors()) {
      const std::string_view name = tensor.name;
      if (!name.ends_with(kA) && !name.ends_with(kB)) {
        fail(ErrorKind::kUnsupported, "{}: tensor {} is neither of a pair (lora_a, lora_b)", file.path(),
             printable(name));
      }
      const std::string of(name.substr(0, name.size() - kA.size()));
      const gguf::TensorInfo& a = file.require(of + std::string(kA));
      const gguf::TensorInfo& b = file.require(of + std::string(kB));
      if (name.ends_with(kB)) continue;
      Pair pair = read_pair(file, of, a, b);
      const double scale = options.scale * (alpha == 0.0 ? 1.0 : alpha / static_cast<double>(pair.rank));
      for (float& x : pair.b) x = static_cast<float>(static_cast<double>(x) * scale);
      pairs_[of].push_back(std::move(pair));
    }
  });
  file.check_read();
}

Adapters::Pair Adapters::read_pair(const gguf::File& file, std::string_view of, const gguf::TensorInfo& a,
                                   const gguf::TensorInfo& b) {
  const bool turned = of == kEmbedding;
  Pair pair;
  pair.path = file.path();
  pair.rank = turned ? a.columns() : b.columns();
  pair.count = a.dims.size() < 3 ? 1 : a.dims[2];
  pair.columns = turned ? b.rows() : a.columns();
  pair.rows = turned ? a.rows() : b.rows() / pair.count;
  const std::size_t other = turned ? b.columns() : a.rows() / pair.count;
  if (pair.rank != other || pair.rank > kRankMax || a.dims.size() > 3 || b.dims.size() != a.dims.size() ||
      (b.dims.size() == 3 && b.dims[2] != pair.count) || (turned && pair.count != 1)) {
    fail(ErrorKind::kFormat, "{}: the pair of {} is [{}, {}, {}] and [{}, {}, {}], must have one rank of at most {}",
         file.path(), printable(of), a.dims[0], a.rows() / pair.count, pair.count, b.dims[0], b.rows() / pair.count,
         pair.count, kRankMax);
  }
  pair.a = turned ? transposed(expanded(file, b), b.rows(), b.columns()) : expanded(file, a);
  pair.b = expanded(file, turned ? a : b);
  return pair;
}

std::span<const Adapters::Pair> Adapters::pairs_of(const gguf::TensorInfo& tensor) const {
  const auto found = pairs_.find(tensor.name);
  return found == pairs_.end() ? std::span<const Pair>() : found->second;
}

void Adapters::check(const gguf::TensorInfo& tensor) {
  const auto found = pairs_.find(tensor.name);
  if (found == pairs_.end()) return;
  for (Pair& pair : found->second) {
    pair.used = true;
    const std::size_t count = tensor.dims.size() < 3 ? 1 : tensor.dims[2];
    if (pair.columns == tensor.columns() && pair.rows * pair.count == tensor.rows() && pair.count == count) continue;
    fail(ErrorKind::kInvalidArgument, "{}: what is for {} is [{}, {}, {}], the model has [{}, {}, {}]", pair.path,
         printable(tensor.name), pair.columns, pair.rows, pair.count, tensor.columns(), tensor.rows() / count, count);
  }
}

std::vector<weights::LowRank> Adapters::of(const gguf::TensorInfo& tensor, std::size_t first, std::size_t rows,
                                           ThreadPool& pool) const {
  std::vector<weights::LowRank> all;
  for (const Pair& pair : pairs_of(tensor)) {
    const std::size_t matrix = first / pair.rows;
    const std::span<const float> a(&pair.a[matrix * pair.rank * pair.columns], pair.rank * pair.columns);
    const std::span<const float> b(&pair.b[first * pair.rank], rows * pair.rank);
    all.push_back({packed(a, pair.rank, pair.columns, pool), packed(b, rows, pair.rank, pool)});
  }
  return all;
}

std::vector<weights::LowRank> Adapters::outlines_of(const gguf::TensorInfo& tensor, std::size_t rows) const {
  std::vector<weights::LowRank> all;
  const auto outline = [](std::size_t r, std::size_t c) {
    return weights::PackedMatrix::outline(gguf::TensorType::kF32, r, c, true);
  };
  for (const Pair& pair : pairs_of(tensor)) all.push_back({outline(pair.rank, pair.columns), outline(rows, pair.rank)});
  return all;
}

void Adapters::add_to(const gguf::TensorInfo& tensor, std::span<float> values) const {
  for (const Pair& pair : pairs_of(tensor)) {
    for (std::size_t row = 0; row < pair.rows * pair.count; ++row) {
      const float* a = &pair.a[row / pair.rows * pair.rank * pair.columns];
      for (std::size_t i = 0; i < pair.rank; ++i) {
        const float share = pair.b[row * pair.rank + i];
        for (std::size_t c = 0; c < pair.columns; ++c)
          values[row * pair.columns + c] += share * a[i * pair.columns + c];
      }
    }
  }
}

void Adapters::check_all_used() const {
  for (const auto& [name, pairs] : pairs_) {
    for (const Pair& pair : pairs) {
      if (!pair.used) fail(ErrorKind::kInvalidArgument, "{}: the model reads no tensor {}", pair.path, printable(name));
    }
  }
}

}  // namespace pith::model
