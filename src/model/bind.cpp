#include "model/bind.h"

#include <fmt/ranges.h>

#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "manifest/tensor_bytes.h"
#include "model/tensor_names.h"
#include "weights/dequantize.h"
#include "weights/finite.h"

namespace pith::model {
namespace {

constexpr const char* kFrequencyFactors = "rope_freqs.weight";
constexpr float kFactorMin = 1e-6F;
constexpr float kFactorMax = 1e6F;

/// Takes tensors out of a file and checks each against the shape that the model needs. A first pass reads the list
/// only, so that a missing tensor is found before any is packed.
class Binder {
 public:
  enum class Pass { kCheck, kPack };

  Binder(const gguf::File& file, Pass pass, const BindOptions& options, ThreadPool& pool)
      : file_(file), bytes_(file, options.manifest, pool), pass_(pass), options_(options), pool_(pool) {
    for (const gguf::TensorInfo& tensor : file.tensors()) bytes_total_ += tensor.data.size();
  }

  weights::PackedMatrix matrix(const std::string& name, std::size_t rows, std::size_t columns) {
    return std::move(slices(name, {rows}, columns).front());
  }

  /// Returns a tensor's rows as one matrix for each of `counts`, which add up to its rows.
  std::vector<weights::PackedMatrix> slices(const std::string& name, const std::vector<std::size_t>& counts,
                                            std::size_t columns) {
    const std::size_t rows = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    const gguf::TensorInfo& tensor = find(name, rows, columns);
    std::vector<weights::PackedMatrix> matrices;
    if (pass_ == Pass::kCheck) {
      for (const std::size_t count : counts)
        matrices.push_back(weights::PackedMatrix::outline(tensor.type, count, columns, options_.as_f32));
      return matrices;
    }
    const std::span<const std::byte> bytes = bytes_.of(tensor);
    std::size_t first = 0;
    for (const std::size_t count : counts) {
      weights::PackWatch watch;
      if (options_.check_weights) {
        watch.row = [this, &tensor, first](std::size_t row, auto data) { check_row(tensor, first + row, data); };
      }
      watch.packed = [this](auto data) { file_.done_with(data); };
      const std::size_t row_bytes = bytes.size() / rows;
      matrices.emplace_back(tensor.type, bytes.subspan(first * row_bytes, count * row_bytes), count, columns,
                            options_.as_f32, pool_, watch);
      first += count;
    }
    report(tensor);
    return matrices;
  }

  Vector vector(const std::string& name, std::size_t length) {
    const gguf::TensorInfo& tensor = find(name, 1, length);
    if (pass_ == Pass::kCheck) return Vector(length);
    const std::span<const std::byte> bytes = bytes_.of(tensor);
    if (options_.check_weights) check_row(tensor, 0, bytes);
    Vector values(length);
    weights::dequantize(tensor.type, bytes, values);
    file_.done_with(tensor.data);
    report(tensor);
    return values;
  }

  Vector vector_if(bool wanted, const std::string& name, std::size_t length) {
    return wanted ? vector(name, length) : Vector();
  }

  NormWeights norm(const NormSpec& spec, const std::string& name, std::size_t length) {
    NormWeights weights;
    weights.weight = vector_if(spec.present(), name + ".weight", length);
    weights.bias = vector_if(spec.bias, name + ".bias", length);
    return weights;
  }

  /// Refuses tensors that no part of the model asked for, since a variant that has them computes something else.
  void check_all_used(const ModelSpec& spec) const {
    for (const gguf::TensorInfo& tensor : file_.tensors()) {
      if (used_.contains(&tensor)) continue;
      fail(ErrorKind::kUnsupported, "{}: tensor {} is no part of a {} model of {} layers", file_.path_of(tensor),
           printable(tensor.name), spec.architecture, spec.layers.size());
    }
  }

 private:
  const gguf::TensorInfo& find(const std::string& name, std::size_t rows, std::size_t columns) {
    const gguf::TensorInfo& tensor = file_.require(name);
    used_.insert(&tensor);
    if (tensor.columns() == columns && tensor.rows() == rows && tensor.dims.size() <= 2) return tensor;
    fail(ErrorKind::kFormat, "{}: tensor {} is [{}], the hyper-parameters want [{}, {}]", file_.path_of(tensor),
         printable(tensor.name), fmt::join(tensor.dims, ", "), columns, rows);
  }

  void check_row(const gguf::TensorInfo& tensor, std::size_t row, std::span<const std::byte> bytes) const {
    const auto bad = weights::find_not_finite(tensor.type, bytes);
    if (!bad) return;
    fail(ErrorKind::kFormat, "{}: tensor {} ({}) has the {} {} at row {}, column {}, must be finite",
         file_.path_of(tensor), printable(tensor.name), gguf::type_info(tensor.type).name, bad->what, bad->value, row,
         bad->column);
  }

  void report(const gguf::TensorInfo& tensor) {
    bytes_.release(tensor);
    bytes_done_ += tensor.data.size();
    if (options_.progress) options_.progress(static_cast<double>(bytes_done_) / static_cast<double>(bytes_total_));
  }

  const gguf::File& file_;
  manifest::TensorBytes bytes_;
  Pass pass_;
  const BindOptions& options_;
  ThreadPool& pool_;
  std::set<const gguf::TensorInfo*> used_;
  std::size_t bytes_total_ = 0;
  std::size_t bytes_done_ = 0;
};

AttentionWeights bind_attention(Binder& binder, const AttentionSpec& spec, std::size_t hidden_size, std::size_t layer) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  AttentionWeights w;
  if (spec.fused) {
    std::vector<weights::PackedMatrix> parts =
        binder.slices(name("attn_qkv.weight"), {spec.query_rows(), spec.key_rows(), spec.value_rows()}, hidden_size);
    w.query = std::move(parts[0]);
    w.key = std::move(parts[1]);
    w.value = std::move(parts[2]);
    if (spec.query_bias) {
      const std::size_t values_from = spec.query_rows() + spec.key_rows();
      const Vector all = binder.vector(name("attn_qkv.bias"), values_from + spec.value_rows());
      const auto at = [&](std::size_t row) { return all.begin() + static_cast<std::ptrdiff_t>(row); };
      w.query_bias.assign(at(0), at(spec.query_rows()));
      w.key_bias.assign(at(spec.query_rows()), at(values_from));
      w.value_bias.assign(at(values_from), all.end());
    }
  } else {
    w.query = binder.matrix(name("attn_q.weight"), spec.query_rows(), hidden_size);
    w.key = binder.matrix(name("attn_k.weight"), spec.key_rows(), hidden_size);
    w.value = binder.matrix(name("attn_v.weight"), spec.value_rows(), hidden_size);
    w.query_bias = binder.vector_if(spec.query_bias, name("attn_q.bias"), spec.query_rows());
    w.key_bias = binder.vector_if(spec.key_bias, name("attn_k.bias"), spec.key_rows());
    w.value_bias = binder.vector_if(spec.value_bias, name("attn_v.bias"), spec.value_rows());
  }
  w.query_norm = binder.norm(spec.query_key_norm, name("attn_q_norm"), spec.key_size);
  w.key_norm = binder.norm(spec.query_key_norm, name("attn_k_norm"), spec.key_size);
  w.sink_logits = binder.vector_if(spec.sink_logits, name("attn_sinks.weight"), spec.heads);
  w.output = binder.matrix(name("attn_output.weight"), hidden_size, spec.output_columns());
  w.output_bias = binder.vector_if(spec.output_bias, name("attn_output.bias"), hidden_size);
  return w;
}

FeedForwardWeights bind_feed_forward(Binder& binder, const FeedForwardSpec& spec, std::size_t hidden_size,
                                     std::size_t layer) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  FeedForwardWeights w;
  if (spec.gated) w.gate = binder.matrix(name("ffn_gate.weight"), spec.size, hidden_size);
  w.up = binder.matrix(name("ffn_up.weight"), spec.size, hidden_size);
  w.down = binder.matrix(name("ffn_down.weight"), hidden_size, spec.size);
  w.gate_bias = binder.vector_if(spec.gate_bias, name("ffn_gate.bias"), spec.size);
  w.up_bias = binder.vector_if(spec.up_bias, name("ffn_up.bias"), spec.size);
  w.down_bias = binder.vector_if(spec.down_bias, name("ffn_down.bias"), hidden_size);
  return w;
}

LayerWeights bind_layer(Binder& binder, const LayerSpec& spec, std::size_t hidden_size, std::size_t layer) {
  const auto norm = [&](const NormSpec& norm_spec, const char* part) {
    return binder.norm(norm_spec, layer_tensor(layer, part), hidden_size);
  };
  LayerWeights w;
  w.attention_norm = norm(spec.attention_norm, "attn_norm");
  w.attention = bind_attention(binder, spec.attention, hidden_size, layer);
  w.attention_post_norm = norm(spec.attention_post_norm, "post_attention_norm");
  w.feed_forward_norm = norm(spec.feed_forward_norm, "ffn_norm");
  w.feed_forward = bind_feed_forward(binder, spec.feed_forward, hidden_size, layer);
  w.feed_forward_post_norm = norm(spec.feed_forward_post_norm, "post_ffw_norm");
  return w;
}

ModelWeights bind_all(Binder& binder, const ModelSpec& spec) {
  ModelWeights weights;
  weights.embedding = binder.matrix("token_embd.weight", spec.vocab, spec.hidden_size);
  if (!spec.tied_output) weights.output = binder.matrix("output.weight", spec.vocab, spec.hidden_size);
  weights.output_norm = binder.norm(spec.output_norm, "output_norm", spec.hidden_size);
  for (const RopeParams& rope : spec.ropes) {
    if (rope.frequency_factors) weights.rope_frequency_factors = binder.vector(kFrequencyFactors, rope.dims / 2);
  }
  for (std::size_t i = 0; i < spec.layers.size(); ++i)
    weights.layers.push_back(bind_layer(binder, spec.layers[i], spec.hidden_size, i));
  return weights;
}

/// Checks the factors by which RoPE's frequencies are divided.
void check_frequency_factors(const gguf::File& file, const Vector& factors) {
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] >= kFactorMin && factors[i] <= kFactorMax) continue;
    fail(ErrorKind::kFormat, "{}: tensor {} has {} at {}, allowed are {} to {}", file.path(), kFrequencyFactors,
         factors[i], i, kFactorMin, kFactorMax);
  }
}

}  // namespace

ModelWeights bind_weights(const gguf::File& file, const ModelSpec& spec, const BindOptions& options, ThreadPool& pool) {
  outline_weights(file, spec, options);
  Binder pack(file, Binder::Pass::kPack, options, pool);
  ModelWeights weights = bind_all(pack, spec);
  check_frequency_factors(file, weights.rope_frequency_factors);
  return weights;
}

ModelWeights outline_weights(const gguf::File& file, const ModelSpec& spec, const BindOptions& options) {
  ThreadPool pool(1);
  Binder check(file, Binder::Pass::kCheck, options, pool);
  ModelWeights weights = bind_all(check, spec);
  check.check_all_used(spec);
  return weights;
}

}  // namespace pith::model
