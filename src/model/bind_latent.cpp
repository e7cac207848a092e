#include "model/bind_latent.h"

#include <string>
#include <utility>
#include <vector>

#include "model/tensor_names.h"

namespace pith::model {
namespace {

/// Takes the tensor apart that older files have: for each head the rows of keys, [key_size, rank], then those of
/// values, [value_size, rank]. Queries meet the transpose of the former.
void bind_fused(Binder& binder, const AttentionSpec& spec, const std::string& name, LatentWeights& w) {
  const LatentSpec& latent = spec.latent;
  const std::size_t rows = latent.key_size + latent.value_size;
  const Vector all = binder.rows_as_vector(name, spec.heads * rows, latent.rank);
  w.heads.reserve(spec.heads);
  Vector key(latent.rank * latent.key_size);
  Vector value(latent.value_size * latent.rank);
  for (std::size_t h = 0; h < spec.heads; ++h) {
    const float* head = &all[h * rows * latent.rank];
    for (std::size_t row = 0; row < latent.key_size; ++row) {
      for (std::size_t i = 0; i < latent.rank; ++i) key[i * latent.key_size + row] = head[row * latent.rank + i];
    }
    value.assign(head + latent.key_size * latent.rank, head + rows * latent.rank);
    w.heads.push_back({binder.repacked(name, key, latent.rank, latent.key_size),
                       binder.repacked(name, value, latent.value_size, latent.rank)});
  }
}

void bind_split(Binder& binder, const AttentionSpec& spec, std::size_t layer, LatentWeights& w) {
  const LatentSpec& latent = spec.latent;
  auto keys = binder.experts(layer_tensor(layer, "attn_k_b.weight"), spec.heads, latent.rank, latent.key_size);
  auto values = binder.experts(layer_tensor(layer, "attn_v_b.weight"), spec.heads, latent.value_size, latent.rank);
  w.heads.reserve(spec.heads);
  for (std::size_t h = 0; h < spec.heads; ++h) w.heads.push_back({std::move(keys[h]), std::move(values[h])});
}

}  // namespace

AttentionWeights bind_latent(Binder& binder, const AttentionSpec& spec, std::size_t hidden_size, std::size_t layer) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  const LatentSpec& latent = spec.latent;
  AttentionWeights w;
  if (latent.query_rank != 0) {
    w.latent.query = binder.matrix(name("attn_q_a.weight"), latent.query_rank, hidden_size);
    w.query = binder.matrix(name("attn_q_b.weight"), spec.query_matrix_rows(), latent.query_rank);
  } else {
    w.query = binder.matrix(name("attn_q.weight"), spec.query_matrix_rows(), hidden_size);
  }
  w.latent.query_norm = binder.norm(latent.query_norm, name("attn_q_a_norm"), latent.query_rank);
  w.latent.joint = binder.matrix(name("attn_kv_a_mqa.weight"), latent.rank + spec.rotated_size(), hidden_size);
  w.latent.norm = binder.norm(latent.norm, name("attn_kv_a_norm"), latent.rank);
  if (latent.fused) {
    bind_fused(binder, spec, name("attn_kv_b.weight"), w.latent);
  } else {
    bind_split(binder, spec, layer, w.latent);
  }
  w.output = binder.matrix(name("attn_output.weight"), hidden_size, spec.output_matrix_columns());
  return w;
}

}  // namespace pith::model
