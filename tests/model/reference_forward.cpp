#include "model/reference_forward.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>

#include "weights/dequantize.h"

namespace pith::test {
namespace {

using Numbers = std::vector<double>;

/// A file's weights, expanded anew at every use.
class Weights {
 public:
  explicit Weights(const gguf::File& file) : file_(file) {}

  bool has(const std::string& name) const { return file_.find(name) != nullptr; }

  /// Returns a row of a matrix, or a vector.
  Numbers row(const std::string& name, std::size_t index = 0) {
    std::vector<float> values;
    expand(find(name), index, values);
    return {values.begin(), values.end()};
  }

  /// Returns W x, plus the bias of the same name if there is one.
  Numbers linear(const std::string& name, const Numbers& x) {
    const gguf::TensorInfo& matrix = find(name + ".weight");
    Numbers y = has(name + ".bias") ? row(name + ".bias") : Numbers(matrix.rows());
    std::vector<float> weights;
    for (std::size_t r = 0; r < matrix.rows(); ++r) {
      expand(matrix, r, weights);
      double sum = 0;
      for (std::size_t c = 0; c < x.size(); ++c) sum += static_cast<double>(weights.at(c)) * x[c];
      y.at(r) += sum;
    }
    return y;
  }

  void check_all_used() const {
    for (const gguf::TensorInfo& tensor : file_.tensors()) {
      if (used_.contains(tensor.name) || tensor.name == "rope_freqs.weight") continue;
      throw std::invalid_argument("the oracle does not know the tensor " + tensor.name);
    }
  }

 private:
  const gguf::TensorInfo& find(const std::string& name) {
    used_.insert(name);
    return file_.require(name);
  }

  static void expand(const gguf::TensorInfo& tensor, std::size_t row, std::vector<float>& values) {
    const std::size_t bytes = tensor.data.size() / tensor.rows();
    values.resize(tensor.columns());
    weights::dequantize(tensor.type, tensor.data.subspan(row * bytes, bytes), values);
  }

  const gguf::File& file_;
  std::set<std::string> used_;
};

/// Normalizes [begin, begin + weight.size()) in place by its root mean square (1910.07467, eq. 4).
void rms_norm(Numbers& x, std::size_t begin, const Numbers& weight, double eps) {
  double squares = 0;
  for (std::size_t i = 0; i < weight.size(); ++i) squares += x.at(begin + i) * x[begin + i];
  const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(weight.size()) + eps);
  for (std::size_t i = 0; i < weight.size(); ++i) x[begin + i] *= inverse * weight[i];
}

/// Rotates the pairs of a head in place (2104.09864, eq. 13).
void rotate(Numbers& x, std::size_t begin, const ReferenceRope& rope, std::size_t position) {
  const std::size_t pairs = rope.frequencies.size();
  for (std::size_t i = 0; i < pairs; ++i) {
    double& a = x.at(begin + (rope.interleaved ? 2 * i : i));
    double& b = x.at(begin + (rope.interleaved ? 2 * i + 1 : i + pairs));
    const double angle = static_cast<double>(position) * rope.frequencies[i];
    const double turned = rope.magnitude * (a * std::cos(angle) - b * std::sin(angle));
    b = rope.magnitude * (a * std::sin(angle) + b * std::cos(angle));
    a = turned;
  }
}

/// Returns SiLU, x sigmoid(x), or GELU in its approximation by tanh (both 1606.08415, section 2).
double activate(ReferenceActivation activation, double x) {
  if (activation == ReferenceActivation::kSilu) return x / (1.0 + std::exp(-x));
  return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

/// Returns cap * tanh(x / cap) (2408.00118, section 2), or x if there is no cap.
double softly_capped(double x, double cap) { return cap == 0.0 ? x : cap * std::tanh(x / cap); }

/// One sequence: the keys and values so far, and the computation of the next token.
class Sequence {
 public:
  Sequence(const gguf::File& file, const ReferenceSpec& spec)
      : s_(spec), w_(file), keys_(spec.layers), values_(spec.layers) {}

  Numbers next(Token token) {
    Numbers x = w_.row("token_embd.weight", static_cast<std::size_t>(token));
    for (double& element : x) element *= s_.embedding_scale;
    for (std::size_t layer = 0; layer < s_.layers; ++layer) {
      const std::string prefix = "blk." + std::to_string(layer) + ".";
      const Numbers before = x;
      add(x, attention(layer, prefix, normed(prefix + "attn_norm", x)), prefix + "post_attention_norm");
      // GPT-J's form (2204.06745, section 2.1): both blocks read the same, with one norm or one each.
      const bool one_norm = !w_.has(prefix + "ffn_norm.weight");
      const Numbers& read = s_.parallel ? before : x;
      add(x, feed_forward(prefix, normed(prefix + (one_norm ? "attn_norm" : "ffn_norm"), read)),
          prefix + "post_ffw_norm");
    }
    // Without a matrix of its own, the output is the embedding transposed (1608.05859).
    Numbers logits = w_.linear(w_.has("output.weight") ? "output" : "token_embd", normed("output_norm", x));
    for (double& logit : logits) logit *= s_.logit_scale;
    for (double& logit : logits) logit = softly_capped(logit, s_.logit_softcap);
    return logits;
  }

  void check_all_used() const { w_.check_all_used(); }

 private:
  Numbers normed(const std::string& name, Numbers x) {
    if (s_.layer_norm) return layer_normed(name, x);
    rms_norm(x, 0, w_.row(name + ".weight"), s_.norm_eps);
    return x;
  }

  /// Returns (x - mean) / deviation * weight + bias (1607.06450, eq. 4).
  Numbers layer_normed(const std::string& name, Numbers x) {
    const auto size = static_cast<double>(x.size());
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / size;
    double squares = 0;
    for (const double element : x) squares += (element - mean) * (element - mean);
    const double inverse = 1.0 / std::sqrt(squares / size + s_.norm_eps);
    const Numbers weight = w_.row(name + ".weight");
    const Numbers bias = w_.has(name + ".bias") ? w_.row(name + ".bias") : Numbers(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = (x[i] - mean) * inverse * weight.at(i) + bias.at(i);
    return x;
  }

  /// Adds a block's result to the residual x, normalized if the model has a norm of that name.
  void add(Numbers& x, const Numbers& result, const std::string& post_norm) {
    const Numbers& more = w_.has(post_norm + ".weight") ? normed(post_norm, result) : result;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += more.at(i);
  }

  /// Normalizes each head, if the model has such a norm, and rotates it.
  void shape_heads(Numbers& x, std::size_t layer, const std::string& norm) {
    const ReferenceRope& rope = s_.windows[layer] == 0 ? s_.rope : s_.local_rope;
    const std::size_t position = keys_[layer].size();
    for (std::size_t begin = 0; begin < x.size(); begin += s_.key_size) {
      if (w_.has(norm + ".weight")) rms_norm(x, begin, w_.row(norm + ".weight"), s_.norm_eps);
      rotate(x, begin, rope, position);
    }
  }

  Numbers attention(std::size_t layer, const std::string& prefix, const Numbers& x) {
    Numbers query, key, value;
    if (w_.has(prefix + "attn_qkv.weight")) {
      const Numbers all = w_.linear(prefix + "attn_qkv", x);
      const auto keys_from = all.begin() + static_cast<std::ptrdiff_t>(s_.heads * s_.key_size);
      const auto values_from = keys_from + static_cast<std::ptrdiff_t>(s_.kv_heads * s_.key_size);
      query.assign(all.begin(), keys_from);
      key.assign(keys_from, values_from);
      value.assign(values_from, all.end());
    } else {
      query = w_.linear(prefix + "attn_q", x);
      key = w_.linear(prefix + "attn_k", x);
      value = w_.linear(prefix + "attn_v", x);
    }
    shape_heads(query, layer, prefix + "attn_q_norm");
    shape_heads(key, layer, prefix + "attn_k_norm");
    keys_[layer].push_back(key);
    values_[layer].push_back(value);
    const std::string sinks = prefix + "attn_sinks.weight";
    const Numbers sink_logits = w_.has(sinks) ? w_.row(sinks) : Numbers();
    Numbers mixed;
    for (std::size_t head = 0; head < s_.heads; ++head) {
      // A logit of minus infinity has no share.
      const Numbers more = attend(layer, query, head, sink_logits.empty() ? -INFINITY : sink_logits.at(head));
      mixed.insert(mixed.end(), more.begin(), more.end());
    }
    return w_.linear(prefix + "attn_output", mixed);
  }

  /// Returns softmax(q K^T scale) V of one head (1706.03762, eq. 1) over the tokens that the layer sees. Heads share
  /// keys and values in groups (2305.13245). A sink's logit takes part in the softmax and has no value (2508.10925).
  Numbers attend(std::size_t layer, const Numbers& query, std::size_t head, double sink) const {
    const std::size_t tokens = keys_[layer].size();
    const std::size_t window = s_.windows[layer];
    const std::size_t first = window == 0 || window >= tokens ? 0 : tokens - window;
    const std::size_t kv_head = head / (s_.heads / s_.kv_heads);
    Numbers scores;
    for (std::size_t t = first; t < tokens; ++t) {
      double dot = 0;
      for (std::size_t i = 0; i < s_.key_size; ++i)
        dot += query.at(head * s_.key_size + i) * keys_[layer][t].at(kv_head * s_.key_size + i);
      scores.push_back(softly_capped(dot * s_.attention_scale, s_.attention_softcap));
    }
    const double highest = std::max(sink, *std::max_element(scores.begin(), scores.end()));
    double sum = std::exp(sink - highest);
    for (const double score : scores) sum += std::exp(score - highest);
    Numbers mixed(s_.value_size);
    for (std::size_t t = first; t < tokens; ++t) {
      const double share = std::exp(scores[t - first] - highest) / sum;
      for (std::size_t i = 0; i < s_.value_size; ++i)
        mixed[i] += share * values_[layer][t].at(kv_head * s_.value_size + i);
    }
    return mixed;
  }

  /// Returns the gated block, down(activation(gate(x)) up(x)) (2002.05202, eq. 6), or without a gate
  /// down(activation(up(x))) (1706.03762, eq. 2).
  Numbers feed_forward(const std::string& prefix, const Numbers& x) {
    if (!w_.has(prefix + "ffn_gate.weight")) {
      Numbers inner = w_.linear(prefix + "ffn_up", x);
      for (double& element : inner) element = activate(s_.activation, element);
      return w_.linear(prefix + "ffn_down", inner);
    }
    Numbers gate = w_.linear(prefix + "ffn_gate", x);
    const Numbers up = w_.linear(prefix + "ffn_up", x);
    for (std::size_t i = 0; i < gate.size(); ++i) gate[i] = activate(s_.activation, gate[i]) * up.at(i);
    return w_.linear(prefix + "ffn_down", gate);
  }

  const ReferenceSpec& s_;
  Weights w_;
  /// By layer and position.
  std::vector<std::vector<Numbers>> keys_, values_;
};

}  // namespace

std::vector<std::vector<double>> reference_logits(const gguf::File& file, const ReferenceSpec& spec,
                                                  std::span<const Token> tokens) {
  Sequence sequence(file, spec);
  std::vector<std::vector<double>> logits;
  for (const Token token : tokens) logits.push_back(sequence.next(token));
  sequence.check_all_used();
  return logits;
}

}  // namespace pith::test
