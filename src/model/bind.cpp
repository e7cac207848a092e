#include "model/bind.h"

#include <fmt/ranges.h>

#include <string>

#include "base/fail.h"
#include "model/tensor_bytes.h"
#include "weights/dequantize.h"

namespace pith::model {
namespace {

/// Takes tensors out of a file, each checked against the shape that the model wants.
class Binder {
 public:
  Binder(const gguf::File& file, const Manifest* manifest, bool as_f32, ThreadPool& pool,
         const std::function<void(double)>& progress)
      : file_(file), bytes_(file, manifest, pool), as_f32_(as_f32), pool_(pool), progress_(progress) {
    for (const gguf::TensorInfo& tensor : file.tensors()) bytes_total_ += tensor.data.size();
  }

  weights::PackedMatrix matrix(const std::string& name, std::size_t rows, std::size_t columns) {
    const gguf::TensorInfo& tensor = file_.require(name);
    check_shape(tensor, rows, columns);
    weights::PackedMatrix packed(tensor.type, bytes_.of(tensor), rows, columns, as_f32_, pool_);
    report(tensor);
    return packed;
  }

  weights::PackedMatrix matrix_if_present(const std::string& name, std::size_t rows, std::size_t columns) {
    return file_.find(name) == nullptr ? weights::PackedMatrix() : matrix(name, rows, columns);
  }

  Vector vector(const std::string& name, std::size_t length) {
    const gguf::TensorInfo& tensor = file_.require(name);
    check_shape(tensor, 1, length);
    Vector values(length);
    weights::dequantize(tensor.type, bytes_.of(tensor), values);
    report(tensor);
    return values;
  }

  Vector vector_if(bool required, const std::string& name, std::size_t length) {
    return required || file_.find(name) != nullptr ? vector(name, length) : Vector();
  }

  /// Nothing more is taken.
  void finish() { bytes_.check_rest(); }

 private:
  void check_shape(const gguf::TensorInfo& tensor, std::size_t rows, std::size_t columns) const {
    if (tensor.columns() == columns && tensor.rows() == rows && tensor.dims.size() <= 2) return;
    fail(ErrorKind::kFormat, "{}: tensor {} is [{}], the hyper-parameters want [{}, {}]", file_.path(), tensor.name,
         fmt::join(tensor.dims, ", "), columns, rows);
  }

  void report(const gguf::TensorInfo& tensor) {
    bytes_.release(tensor);
    bytes_done_ += tensor.data.size();
    if (progress_) progress_(static_cast<double>(bytes_done_) / static_cast<double>(bytes_total_));
  }

  const gguf::File& file_;
  TensorBytes bytes_;
  bool as_f32_;
  ThreadPool& pool_;
  const std::function<void(double)>& progress_;
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

}  // namespace

ModelWeights bind_weights(const gguf::File& file, const Hparams& hparams, const Manifest* manifest, bool as_f32,
                          ThreadPool& pool, const std::function<void(double)>& progress) {
  Binder binder(file, manifest, as_f32, pool, progress);
  ModelWeights weights;
  weights.embedding = binder.matrix("token_embd.weight", hparams.vocab, hparams.embedding);
  weights.output = binder.matrix_if_present("output.weight", hparams.vocab, hparams.embedding);
  weights.output_norm = binder.vector("output_norm.weight", hparams.embedding);
  weights.rope_frequency_factors = binder.vector_if(false, "rope_freqs.weight", hparams.rope.dims / 2);
  for (std::size_t i = 0; i < hparams.layers; ++i) weights.layers.push_back(bind_layer(binder, hparams, i));
  binder.finish();
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
