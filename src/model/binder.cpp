#include "model/binder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

#include "base/fail.h"
#include "base/half.h"
#include "base/printable.h"
#include "model/adapters.h"
#include "model/tensor_names.h"
#include "weights/dequantize.h"
#include "weights/finite.h"

namespace pith::model {
namespace {

/// The largest number that float16 holds.
constexpr float kHalfMax = 65504.0F;

/// Returns whether a tensor belongs to layers that draft tokens.
bool is_drafting(const ModelSpec& spec, std::string_view name) {
  for (std::size_t i = 0; i < spec.drafting_layers; ++i) {
    if (name.starts_with(layer_tensor(spec.layers.size() + i, ""))) return true;
  }
  return false;
}

void add_all(std::vector<weights::LowRank> more, weights::PackedMatrix& matrix) {
  for (weights::LowRank& each : more) matrix.add(std::move(each));
}

}  // namespace

bool Binder::Shape::fits(const gguf::TensorInfo& tensor) const {
  if (tensor.columns() != columns || tensor.rows() != rows * experts.value_or(1)) return false;
  return tensor.dims.size() <= 2 || (experts && tensor.dims.size() == 3 && tensor.dims[1] == rows);
}

Binder::Binder(const gguf::File& file, Pass pass, const BindOptions& options, ThreadPool& pool)
    : file_(file), bytes_(file, options.manifest, pool), pass_(pass), options_(options), pool_(pool) {
  for (const gguf::TensorInfo& tensor : file.tensors()) bytes_total_ += tensor.data.size();
}

weights::PackedMatrix Binder::matrix(const std::string& name, std::size_t rows, std::size_t columns) {
  return std::move(slices(name, {rows}, columns).front());
}

std::vector<weights::PackedMatrix> Binder::slices(const std::string& name, const std::vector<std::size_t>& counts,
                                                  std::size_t columns) {
  return pack(find(name, {std::accumulate(counts.begin(), counts.end(), std::size_t{0}), columns}), counts);
}

std::vector<weights::PackedMatrix> Binder::experts(const std::string& name, std::size_t count, std::size_t rows,
                                                   std::size_t columns, std::size_t parts) {
  return pack(find(name, {rows, columns, count}), std::vector<std::size_t>(count * parts, rows / parts));
}

std::vector<weights::PackedMatrix> Binder::pack(const gguf::TensorInfo& tensor,
                                                const std::vector<std::size_t>& counts) {
  const std::size_t columns = tensor.columns();
  std::vector<weights::PackedMatrix> matrices;
  matrices.reserve(counts.size());
  if (pass_ == Pass::kCheck) {
    for (const std::size_t count : counts) {
      matrices.push_back(weights::PackedMatrix::outline(tensor.type, count, columns, options_.as_f32));
      if (options_.adapters != nullptr) add_all(options_.adapters->outlines_of(tensor, count), matrices.back());
    }
    return matrices;
  }
  const std::span<const std::byte> bytes = bytes_.of(tensor);
  const std::size_t row_bytes = bytes.size() / tensor.rows();
  std::size_t first = 0;
  for (const std::size_t count : counts) {
    weights::PackWatch watch;
    if (options_.check_weights) {
      watch.row = [this, &tensor, first](std::size_t row, auto data) { check_row(tensor, first + row, data); };
    }
    watch.packed = [this](auto data) { file_.done_with(data); };
    matrices.emplace_back(tensor.type, bytes.subspan(first * row_bytes, count * row_bytes), count, columns,
                          options_.as_f32, pool_, watch);
    if (options_.adapters != nullptr) add_all(options_.adapters->of(tensor, first, count, pool_), matrices.back());
    first += count;
  }
  report(tensor);
  return matrices;
}

Vector Binder::vector(const std::string& name, std::size_t length) { return rows_as_vector(name, 1, length); }

Vector Binder::vector_if(bool wanted, const std::string& name, std::size_t length) {
  return wanted ? vector(name, length) : Vector();
}

Vector Binder::rows_as_vector(const std::string& name, std::size_t rows, std::size_t columns) {
  const gguf::TensorInfo& tensor = find(name, {rows, columns});
  Vector values(rows * columns);
  if (pass_ == Pass::kCheck) return values;
  const std::span<const std::byte> bytes = bytes_.of(tensor);
  const std::size_t row_bytes = bytes.size() / rows;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<const std::byte> data = bytes.subspan(row * row_bytes, row_bytes);
    if (options_.check_weights) check_row(tensor, row, data);
    weights::dequantize(tensor.type, data, std::span(values).subspan(row * columns, columns));
  }
  if (options_.adapters != nullptr) options_.adapters->add_to(tensor, values);
  file_.done_with(tensor.data);
  report(tensor);
  return values;
}

weights::PackedMatrix Binder::repacked(const std::string& name, const Vector& values, std::size_t rows,
                                       std::size_t columns) {
  const gguf::TensorType source = file_.require(name).type;
  const bool whole = options_.as_f32 || source == gguf::TensorType::kF32 || source == gguf::TensorType::kBF16 ||
                     std::any_of(values.begin(), values.end(), [](float x) { return std::fabs(x) > kHalfMax; });
  const gguf::TensorType type = whole ? gguf::TensorType::kF32 : gguf::TensorType::kF16;
  if (pass_ == Pass::kCheck) return weights::PackedMatrix::outline(type, rows, columns, options_.as_f32);
  if (whole) return {type, std::as_bytes(std::span(values)), rows, columns, options_.as_f32, pool_};
  std::vector<std::uint16_t> halves(values.size());
  std::transform(values.begin(), values.end(), halves.begin(), f32_to_f16);
  return {type, std::as_bytes(std::span(halves)), rows, columns, options_.as_f32, pool_};
}

NormWeights Binder::norm(const NormSpec& spec, const std::string& name, std::size_t length, std::size_t count) {
  NormWeights weights;
  if (spec.present()) {
    weights.weight = spec.plain ? Vector(count * length, 1.0F) : rows_as_vector(name + ".weight", count, length);
  }
  if (spec.bias) weights.bias = rows_as_vector(name + ".bias", count, length);
  return weights;
}

void Binder::ignore(const std::string& name) {
  if (const gguf::TensorInfo* tensor = file_.find(name)) used_.insert(tensor);
}

void Binder::check_all_used(const ModelSpec& spec) const {
  for (const gguf::TensorInfo& tensor : file_.tensors()) {
    if (used_.contains(&tensor) || is_drafting(spec, tensor.name)) continue;
    fail(ErrorKind::kUnsupported, "{}: tensor {} is no part of a {} model of {} layers", file_.path_of(tensor),
         printable(tensor.name), spec.architecture, spec.layers.size());
  }
  if (options_.adapters != nullptr) options_.adapters->check_all_used();
}

const gguf::TensorInfo& Binder::find(const std::string& name, const Shape& shape) {
  const gguf::TensorInfo& tensor = file_.require(name);
  used_.insert(&tensor);
  if (options_.adapters != nullptr) options_.adapters->check(tensor);
  if (shape.fits(tensor)) return tensor;
  std::vector<std::size_t> wanted = {shape.columns, shape.rows};
  if (shape.experts) wanted.push_back(*shape.experts);
  fail(ErrorKind::kFormat, "{}: tensor {} is [{}], the hyper-parameters want [{}]", file_.path_of(tensor),
       printable(tensor.name), fmt::join(tensor.dims, ", "), fmt::join(wanted, ", "));
}

void Binder::check_row(const gguf::TensorInfo& tensor, std::size_t row, std::span<const std::byte> bytes) const {
  const auto bad = weights::find_not_finite(tensor.type, bytes);
  if (!bad) return;
  fail(ErrorKind::kFormat, "{}: tensor {} ({}) has the {} {} at row {}, column {}, must be finite",
       file_.path_of(tensor), printable(tensor.name), gguf::type_info(tensor.type).name, bad->what, bad->value, row,
       bad->column);
}

void Binder::report(const gguf::TensorInfo& tensor) {
  bytes_.release(tensor);
  bytes_done_ += tensor.data.size();
  if (options_.progress) options_.progress(static_cast<double>(bytes_done_) / static_cast<double>(bytes_total_));
}

}  // namespace pith::model
