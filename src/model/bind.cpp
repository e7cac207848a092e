#include "model/bind.h"

#include <fmt/ranges.h>

#include <set>
#include <string>

#include "base/fail.h"
#include "base/printable.h"
#include "model/tensor_bytes.h"
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
    const gguf::TensorInfo& tensor = find(name, rows, columns);
    if (pass_ == Pass::kCheck) return weights::PackedMatrix::outline(tensor.type, rows, columns, options_.as_f32);
    weights::PackWatch watch;
    if (options_.check_weights) watch.row = [&](std::size_t row, auto bytes) { check_row(tensor, row, bytes); };
    watch.packed = [&](auto bytes) { file_.done_with(bytes); };
    weights::PackedMatrix packed(tensor.type, bytes_.of(tensor), rows, columns, options_.as_f32, pool_, watch);
    report(tensor);
    return packed;
  }

  weights::PackedMatrix matrix_if_present(const std::string& name, std::size_t rows, std::size_t columns) {
    return file_.find(name) == nullptr ? weights::PackedMatrix() : matrix(name, rows, columns);
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

  Vector vector_if(bool required, const std::string& name, std::size_t length) {
    return required || file_.find(name) != nullptr ? vector(name, length) : Vector();
  }

  /// Refuses tensors that no part of the model asked for, since a variant that has them computes something else.
  void check_all_used(const Hparams& h) const {
    for (const gguf::TensorInfo& tensor : file_.tensors()) {
      if (used_.contains(&tensor)) continue;
      fail(ErrorKind::kUnsupported, "{}: tensor {} is no part of a {} model of {} layers", file_.path_of(tensor),
           printable(tensor.name), h.architecture, h.layers);
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
  TensorBytes bytes_;
  Pass pass_;
  const BindOptions& options_;
  ThreadPool& pool_;
  std::set<const gguf::TensorInfo*> used_;
  std::size_t bytes_total_ = 0;
  std::size_t bytes_done_ = 0;
};

LayerWeights bind_layer(Binder& binder, const Hparams& h, std::size_t layer) {
  const auto name = [&](const char* part) { return fmt::format("blk.{}.{}", layer, part); };
  const std::size_t query_rows = h.heads * h.key_size;
  const std::size_t key_rows = h.kv_heads * h.key_size;
  const std::size_t value_rows = h.kv_heads * h.value_size;
  LayerWeights w;
  w.attention_norm = binder.vector(name("attn_norm.weight"), h.embedding);
  w.query = binder.matrix(name("attn_q.weight"), query_rows, h.embedding);
  w.key = binder.matrix(name("attn_k.weight"), key_rows, h.embedding);
  w.value = binder.matrix(name("attn_v.weight"), value_rows, h.embedding);
  w.query_bias = binder.vector_if(h.attention_bias_required, name("attn_q.bias"), query_rows);
  w.key_bias = binder.vector_if(h.attention_bias_required, name("attn_k.bias"), key_rows);
  w.value_bias = binder.vector_if(h.attention_bias_required, name("attn_v.bias"), value_rows);
  if (h.query_key_norm) {
    w.query_norm = binder.vector(name("attn_q_norm.weight"), h.key_size);
    w.key_norm = binder.vector(name("attn_k_norm.weight"), h.key_size);
  }
  w.attention_output = binder.matrix(name("attn_output.weight"), h.embedding, h.heads * h.value_size);
  w.attention_output_bias = binder.vector_if(false, name("attn_output.bias"), h.embedding);
  w.feed_forward_norm = binder.vector(name("ffn_norm.weight"), h.embedding);
  if (h.post_norms) {
    w.attention_post_norm = binder.vector(name("post_attention_norm.weight"), h.embedding);
    w.feed_forward_post_norm = binder.vector(name("post_ffw_norm.weight"), h.embedding);
  }
  w.gate = binder.matrix(name("ffn_gate.weight"), h.feed_forward, h.embedding);
  w.up = binder.matrix(name("ffn_up.weight"), h.feed_forward, h.embedding);
  w.down = binder.matrix(name("ffn_down.weight"), h.embedding, h.feed_forward);
  w.gate_bias = binder.vector_if(false, name("ffn_gate.bias"), h.feed_forward);
  w.up_bias = binder.vector_if(false, name("ffn_up.bias"), h.feed_forward);
  w.down_bias = binder.vector_if(false, name("ffn_down.bias"), h.embedding);
  return w;
}

ModelWeights bind_all(Binder& binder, const Hparams& hparams) {
  ModelWeights weights;
  weights.embedding = binder.matrix("token_embd.weight", hparams.vocab, hparams.embedding);
  weights.output = binder.matrix_if_present("output.weight", hparams.vocab, hparams.embedding);
  weights.output_norm = binder.vector("output_norm.weight", hparams.embedding);
  weights.rope_frequency_factors = binder.vector_if(false, kFrequencyFactors, hparams.rope.dims / 2);
  for (std::size_t i = 0; i < hparams.layers; ++i) weights.layers.push_back(bind_layer(binder, hparams, i));
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

ModelWeights bind_weights(const gguf::File& file, const Hparams& hparams, const BindOptions& options,
                          ThreadPool& pool) {
  outline_weights(file, hparams, options);
  Binder pack(file, Binder::Pass::kPack, options, pool);
  ModelWeights weights = bind_all(pack, hparams);
  check_frequency_factors(file, weights.rope_frequency_factors);
  return weights;
}

ModelWeights outline_weights(const gguf::File& file, const Hparams& hparams, const BindOptions& options) {
  ThreadPool pool(1);
  Binder check(file, Binder::Pass::kCheck, options, pool);
  ModelWeights weights = bind_all(check, hparams);
  check.check_all_used(hparams);
  return weights;
}

std::size_t ModelWeights::bytes() const {
  const auto of = [](const Vector& v) { return v.size() * sizeof(float); };
  std::size_t total = embedding.bytes() + output.bytes() + of(output_norm) + of(rope_frequency_factors);
  for (const LayerWeights& l : layers) {
    for (const weights::PackedMatrix* m : l.matrices()) total += m->bytes();
    for (const Vector* v : l.vectors()) total += of(*v);
  }
  return total;
}

}  // namespace pith::model
