#include "model/reference_encoder.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string>

#include "model/reference_math.h"

namespace pith::test {
namespace {

class Encoder {
 public:
  Encoder(const gguf::File& file, const ReferenceSpec& spec) : s_(spec), w_(file) {}

  std::vector<Numbers> hidden(std::span<const Token> tokens) {
    std::vector<Numbers> x;
    for (std::size_t t = 0; t < tokens.size(); ++t) x.push_back(embedding(tokens[t], t));
    for (std::size_t layer = 0; layer < s_.layers; ++layer) {
      const std::string prefix = "blk." + std::to_string(layer) + ".";
      const std::vector<Numbers> attended = attention(layer, prefix, x);
      for (std::size_t t = 0; t < x.size(); ++t) {
        add(x[t], attended[t], prefix + "post_attention_norm", prefix + "attn_output_norm");
        add(x[t], feed_forward(prefix, normed(prefix + "ffn_norm", x[t])), prefix + "post_ffw_norm",
            prefix + "layer_output_norm");
      }
    }
    for (Numbers& row : x) row = normed("output_norm", row);
    w_.check_all_used();
    return x;
  }

 private:
  Numbers embedding(Token token, std::size_t position) {
    Numbers x = w_.row("token_embd.weight", static_cast<std::size_t>(token));
    for (double& element : x) element *= s_.embedding_scale;
    for (const auto& [name, row] :
         {std::pair{"token_types.weight", std::size_t{0}}, {"position_embd.weight", position}}) {
      const Numbers more = w_.has(name) ? w_.row(name, row) : Numbers(x.size());
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += more.at(i);
    }
    return normed("token_embd_norm", x);
  }

  /// Returns x as it is if there is no such norm.
  Numbers normed(const std::string& name, Numbers x) {
    if (!w_.has(name + ".weight")) return x;
    const Numbers weight = w_.row(name + ".weight");
    if (!s_.layer_norm) {
      rms_norm(x, 0, weight, s_.norm_eps);
      return x;
    }
    const Numbers bias = w_.row(name + ".bias");
    const auto size = static_cast<double>(x.size());
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / size;
    double squares = 0;
    for (const double element : x) squares += (element - mean) * (element - mean);
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = (x[i] - mean) / std::sqrt(squares / size + s_.norm_eps) * weight.at(i) + bias.at(i);
    return x;
  }

  void add(Numbers& x, const Numbers& result, const std::string& post_norm, const std::string& sum_norm) {
    const Numbers more = normed(post_norm, result);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += more.at(i);
    x = normed(sum_norm, x);
  }

  std::vector<Numbers> attention(std::size_t layer, const std::string& prefix, const std::vector<Numbers>& x) {
    const std::size_t size = s_.key_sizes[layer];
    const std::size_t kv_heads = s_.kv_heads[layer];
    std::vector<Numbers> queries, keys, values;
    for (std::size_t t = 0; t < x.size(); ++t) {
      const Numbers y = normed(prefix + "attn_norm", x[t]);
      Numbers all;
      if (w_.has(prefix + "attn_qkv.weight")) {
        all = w_.linear(prefix + "attn_qkv", y);
      } else {
        for (const char* part : {"attn_q", "attn_k", "attn_v"}) {
          const Numbers some = w_.linear(prefix + part, y);
          all.insert(all.end(), some.begin(), some.end());
        }
      }
      const auto keys_from = all.begin() + static_cast<std::ptrdiff_t>(s_.heads * size);
      const auto values_from = keys_from + static_cast<std::ptrdiff_t>(kv_heads * size);
      queries.emplace_back(all.begin(), keys_from);
      keys.emplace_back(keys_from, values_from);
      values.emplace_back(values_from, all.end());
      shape(queries.back(), layer, prefix + "attn_q_norm.weight", t);
      shape(keys.back(), layer, prefix + "attn_k_norm.weight", t);
    }
    std::vector<Numbers> out;
    for (std::size_t t = 0; t < x.size(); ++t) out.push_back(attend(layer, prefix, t, queries[t], keys, values));
    return out;
  }

  void shape(Numbers& heads, std::size_t layer, const std::string& norm, std::size_t position) {
    const ReferenceRope& rope = s_.windows[layer] == 0 ? s_.rope : s_.local_rope;
    for (std::size_t begin = 0; begin < heads.size(); begin += s_.key_sizes[layer]) {
      if (w_.has(norm)) rms_norm(heads, begin, w_.row(norm), s_.norm_eps);
      if (s_.rotated[layer]) rotate(heads, begin, rope, position);
    }
  }

  Numbers attend(std::size_t layer, const std::string& prefix, std::size_t at, const Numbers& query,
                 const std::vector<Numbers>& keys, const std::vector<Numbers>& values) {
    const std::size_t size = s_.key_sizes[layer];
    const std::size_t value_size = s_.value_sizes[layer];
    Numbers mixed(s_.heads * value_size);
    for (std::size_t head = 0; head < s_.heads; ++head) {
      const std::size_t kv_head = head / (s_.heads / s_.kv_heads[layer]);
      Numbers shares(keys.size());
      for (std::size_t t = 0; t < keys.size(); ++t) {
        double dot = 0;
        for (std::size_t i = 0; i < size; ++i) dot += query.at(head * size + i) * keys[t].at(kv_head * size + i);
        const std::size_t distance = std::max(t, at) - std::min(t, at);
        const bool seen = s_.windows[layer] == 0 || distance <= s_.windows[layer] / 2;
        shares[t] = seen ? dot * s_.attention_scale : -INFINITY;
      }
      softmax(shares);
      for (std::size_t t = 0; t < keys.size(); ++t) {
        for (std::size_t i = 0; i < value_size; ++i)
          mixed[head * value_size + i] += shares[t] * values[t].at(kv_head * value_size + i);
      }
    }
    return w_.linear(prefix + "attn_output", mixed);
  }

  Numbers feed_forward(const std::string& prefix, const Numbers& x) {
    const Numbers up = w_.linear(prefix + "ffn_up", x);
    if (w_.has(prefix + "ffn_gate.weight"))
      return w_.linear(prefix + "ffn_down", gated(s_.activation, w_.linear(prefix + "ffn_gate", x), up));
    Numbers active = up;
    for (double& element : active) element = activate(s_.activation, element);
    return w_.linear(prefix + "ffn_down", active);
  }

  const ReferenceSpec& s_;
  Weights w_;
};

}  // namespace

std::vector<Numbers> reference_hidden(const gguf::File& file, const ReferenceSpec& spec,
                                      std::span<const Token> tokens) {
  return Encoder(file, spec).hidden(tokens);
}

}  // namespace pith::test
