#include "model/latent_projection.h"

#include <algorithm>
#include <array>
#include <vector>

#include "model/divided_product.h"
#include "model/norm.h"

namespace pith::model {

LatentProjection::LatentProjection(const Pass& pass, const AttentionSpec& spec, const AttentionWeights& weights)
    : pass_(pass), spec_(spec), latent_(spec.latent), w_(weights), b_(pass.workspace.buffers.latent) {}

weights::FormatSet LatentProjection::readers() const {
  return weights::formats_of(latent_.query_rank != 0 ? w_.latent.query : w_.query, w_.latent.joint);
}

void LatentProjection::project(const kernels::Activations& x, const CacheRows& to) const {
  make_queries(x);
  for_rows(pass_.pool, pass_.rows(), [&](std::size_t m) { shape_row(m, to); });
  const std::size_t head = latent_.key_size + spec_.rotated_size();
  const std::size_t row = padded(spec_.query_matrix_rows());
  multiply_heads(
      &LatentHeadWeights::key, [&](std::size_t h, std::size_t m) { return &b_.queries[m * row + h * head]; },
      to.query + spec_.rotated_size(), spec_.key_size, to.stride);
}

void LatentProjection::make_queries(const kernels::Activations& x) const {
  const std::size_t stride = padded(spec_.query_matrix_rows());
  const weights::Product joint = {&w_.latent.joint, b_.joint.data(), padded(latent_.rank + spec_.rotated_size())};
  if (latent_.query_rank == 0) {
    const std::array<weights::Product, 2> products = {{{&w_.query, b_.queries.data(), stride}, joint}};
    return multiply(pass_, x, products);
  }
  const std::size_t row = padded(latent_.query_rank);
  const std::array<weights::Product, 2> products = {{{&w_.latent.query, b_.compressed.data(), row}, joint}};
  multiply(pass_, x, products);
  const Norm norm(latent_.query_norm, w_.latent.query_norm);
  const std::array<weights::Product, 1> queries = {{{&w_.query, b_.queries.data(), stride}}};
  multiply(pass_,
           activations(pass_, b_.compressed, pass_.rows(), latent_.query_rank, weights::formats_of(w_.query),
                       [&](std::size_t m) {
                         float* compressed = &b_.compressed[m * row];
                         norm.apply(pass_.k, compressed, latent_.query_rank, compressed);
                       }),
           queries);
}

void LatentProjection::shape_row(std::size_t m, const CacheRows& to) const {
  const Rope& rope = pass_.workspace.ropes[spec_.rope];
  const std::size_t rotated = spec_.rotated_size();
  const float* joint = &b_.joint[m * padded(latent_.rank + rotated)];
  float* key = to.key + m * to.stride;
  float* value = to.value + m * to.stride;
  Norm(latent_.norm, w_.latent.norm).apply(pass_.k, joint, latent_.rank, value);
  std::copy_n(joint + latent_.rank, rotated, key);
  std::copy_n(value, latent_.rank, key + rotated);
  rope.apply(key, m);
  const float* queries = &b_.queries[m * padded(spec_.query_matrix_rows())];
  for (std::size_t h = 0; h < spec_.heads; ++h) {
    float* query = to.query + m * to.stride + h * spec_.key_size;
    std::copy_n(queries + h * (latent_.key_size + rotated) + latent_.key_size, rotated, query);
    rope.apply(query, m);
  }
}

template <typename From>
void LatentProjection::multiply_heads(weights::PackedMatrix LatentHeadWeights::*matrix, const From& from, float* out,
                                      std::size_t step, std::size_t stride) const {
  const std::vector<LatentHeadWeights>& heads = w_.latent.heads;
  const std::size_t columns = (heads.front().*matrix).columns();
  const std::size_t row = padded(columns);
  std::vector<weights::RowGroup> groups;
  std::vector<weights::GroupProduct> products;
  groups.reserve(spec_.heads);
  products.reserve(spec_.heads);
  for (std::size_t h = 0; h < spec_.heads; ++h) groups.push_back({h * b_.head_rows, pass_.rows()});
  const kernels::Activations all = b_.quantized.quantize_groups(
      pass_.k, pass_.pool, b_.heads.data(), groups, columns, row, weights::formats_of(heads.front().*matrix),
      [&](std::size_t h, std::size_t m) { std::copy_n(from(h, m), columns, &b_.heads[(groups[h].first + m) * row]); });
  for (std::size_t h = 0; h < spec_.heads; ++h)
    products.push_back({weights::rows_of(all, groups[h]), {&(heads[h].*matrix), out + h * step, stride}});
  weights::multiply(pass_.k, pass_.pool, products);
}

kernels::Activations LatentProjection::expand() const {
  const Buffer<float>& attended = pass_.workspace.buffers.attention;
  const std::size_t row = padded(spec_.output_columns());
  const std::size_t columns = spec_.output_matrix_columns();
  multiply_heads(
      &LatentHeadWeights::value,
      [&](std::size_t h, std::size_t m) { return &attended[m * row + h * spec_.value_size]; }, b_.outputs.data(),
      latent_.value_size, padded(columns));
  return activations(pass_, b_.outputs, pass_.rows(), columns, weights::formats_of(w_.output), [](std::size_t) {});
}

}  // namespace pith::model
