#include "model/reference_latent.h"

#include <cmath>

#include "model/reference_math.h"

namespace pith::test {

void read_latent(const ReferenceKeys& keys, ReferenceSpec& spec) {
  const bool split = keys.has("attention.key_length_mla");
  const std::size_t key_size = keys.count(split ? "attention.key_length_mla" : "attention.key_length");
  const std::size_t value_size =
      split ? keys.count("attention.value_length_mla")
            : keys.count("attention.value_length", keys.count("embedding_length") / spec.heads);
  spec.key_sizes.assign(spec.layers, key_size);
  spec.value_sizes.assign(spec.layers, value_size);
  spec.kv_heads.assign(spec.layers, spec.heads);
  spec.attention_scale = 1.0 / std::sqrt(static_cast<double>(key_size));
  if (!keys.has("rope.scaling.yarn_log_multiplier")) return;
  // The authors' code: with mscale and mscale_all_dim alike, rotations keep their magnitude and
  // scores are multiplied by the square of 0.1 mscale_all_dim ln(factor) + 1. Files state 0.1 mscale_all_dim.
  const double growth =
      keys.real("rope.scaling.yarn_log_multiplier", 0.0) * std::log(keys.real("rope.scaling.factor", 1.0)) + 1.0;
  spec.attention_scale *= growth * growth;
  spec.rope.magnitude = 1.0;
}

LatentRows latent_rows(Weights& w, const ReferenceSpec& s, const std::string& prefix, const Numbers& x,
                       std::size_t position) {
  const std::size_t rotated = 2 * s.rope.frequencies.size();
  const std::size_t plain = s.key_sizes.front() - rotated;
  const std::size_t value_size = s.value_sizes.front();
  LatentRows rows;
  Numbers compressed = x;
  if (w.has(prefix + "attn_q_a.weight")) {
    compressed = w.linear(prefix + "attn_q_a", x);
    rms_norm(compressed, 0, w.row(prefix + "attn_q_a_norm.weight"), s.norm_eps);
  }
  rows.query = w.linear(prefix + (w.has(prefix + "attn_q.weight") ? "attn_q" : "attn_q_b"), compressed);
  for (std::size_t head = 0; head < s.heads; ++head)
    rotate(rows.query, head * (plain + rotated) + plain, s.rope, position);

  Numbers latent = w.linear(prefix + "attn_kv_a_mqa", x);
  const auto end = latent.end() - static_cast<std::ptrdiff_t>(rotated);
  Numbers common(end, latent.end());
  latent.erase(end, latent.end());
  rotate(common, 0, s.rope, position);
  rms_norm(latent, 0, w.row(prefix + "attn_kv_a_norm.weight"), s.norm_eps);
  const bool fused = w.has(prefix + "attn_kv_b.weight");
  const Numbers all = fused ? w.linear(prefix + "attn_kv_b", latent) : Numbers();
  for (std::size_t head = 0; head < s.heads; ++head) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(fused ? head * (plain + value_size) : 0);
    for (std::size_t i = 0; i < plain; ++i) {
      double key = fused ? begin[static_cast<std::ptrdiff_t>(i)] : 0.0;
      // The file has the matrix transposed: [rank, plain] for each head.
      for (std::size_t j = 0; j < latent.size() && !fused; ++j)
        key += w.row(prefix + "attn_k_b.weight", head * latent.size() + j).at(i) * latent[j];
      rows.key.push_back(key);
    }
    rows.key.insert(rows.key.end(), common.begin(), common.end());
    const Numbers value = fused ? Numbers(begin + static_cast<std::ptrdiff_t>(plain),
                                          begin + static_cast<std::ptrdiff_t>(plain + value_size))
                                : w.expert(prefix + "attn_v_b", latent, head);
    rows.value.insert(rows.value.end(), value.begin(), value.end());
  }
  return rows;
}

}  // namespace pith::test
