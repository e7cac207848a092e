#include "model/reference_forward.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>

#include "model/reference_latent.h"
#include "model/reference_math.h"
#include "model/reference_recurrent.h"
#include "model/reference_weights.h"

namespace pith::test {
namespace {

/// One sequence: the keys and values so far, and the computation of the next token.
class Sequence {
 public:
  Sequence(const gguf::File& file, const ReferenceSpec& spec)
      : s_(spec), w_(file), keys_(spec.layers), values_(spec.layers), states_(spec.layers) {}

  Numbers next(Token token) {
    Numbers x = w_.row("token_embd.weight", static_cast<std::size_t>(token));
    for (double& element : x) element *= s_.embedding_scale;
    if (w_.has("position_embd.weight")) {
      const Numbers position = w_.row("position_embd.weight", keys_.front().size());
      for (std::size_t i = 0; i < x.size(); ++i) x[i] += position.at(i);
    }
    const Numbers inputs = s_.layer_embedding == 0 ? Numbers() : layer_inputs(token, x);
    for (std::size_t layer = 0; layer < s_.layers; ++layer) {
      const std::string prefix = "blk." + std::to_string(layer) + ".";
      const Numbers before = x;
      // Falcon 40B's attention has a norm of its own (2311.16867).
      const bool second = w_.has(prefix + "attn_norm_2.weight");
      const bool recurrent = is_recurrent(w_, prefix);
      if (recurrent || w_.has(prefix + "attn_output.weight")) {
        const Numbers y = normed_if(prefix + (second ? "attn_norm_2" : "attn_norm"), x);
        add(x, recurrent ? states_[layer].next(w_, s_, prefix, y) : attention(layer, prefix, y),
            s_.feed_forward_norm_is_post_attention ? "" : prefix + "post_attention_norm");
      }
      if (!w_.has(prefix + "ffn_down.weight") && !w_.has(prefix + "ffn_gate_inp.weight")) continue;
      // GPT-J's form (2204.06745, section 2.1): both blocks read the same, with one norm or one each.
      add(x,
          w_.has(prefix + "pre_ffw_norm_2.weight")
              ? experts_beside(prefix, x)
              : feed_forward(prefix, normed_if(feed_forward_norm(prefix), s_.parallel ? before : x)),
          prefix + "post_ffw_norm");
      if (s_.layer_embedding != 0) add(x, layer_embedding(layer, prefix, x, inputs), prefix + "post_norm");
      if (w_.has(prefix + "layer_output_scale.weight")) {
        for (double& element : x) element *= w_.row(prefix + "layer_output_scale.weight").at(0);
      }
    }
    // Without a matrix of its own, the output is the embedding transposed (1608.05859).
    const bool other_norm = w_.has("token_embd_norm.weight");
    Numbers logits = w_.linear(w_.has("output.weight") ? "output" : "token_embd",
                               normed(other_norm ? "token_embd_norm" : "output_norm", x));
    for (double& logit : logits) logit *= s_.logit_scale;
    for (double& logit : logits) logit = softly_capped(logit, s_.logit_softcap);
    return logits;
  }

  void check_all_used() const { w_.check_all_used(); }

 private:
  std::string feed_forward_norm(const std::string& prefix) const {
    if (s_.feed_forward_norm_is_post_attention) return prefix + "post_attention_norm";
    return prefix +
           (w_.has(prefix + "ffn_norm.weight") || !w_.has(prefix + "attn_norm.weight") ? "ffn_norm" : "attn_norm");
  }

  Numbers normed_if(const std::string& name, const Numbers& x) {
    return w_.has(name + ".weight") || s_.plain_norms ? normed(name, x) : x;
  }

  Numbers normed(const std::string& name, Numbers x) {
    if (s_.layer_norm) return layer_normed(name, x);
    rms_norm(x, 0, w_.row(name + ".weight"), s_.norm_eps);
    return x;
  }

  /// Replaces x by (x - mean) / deviation.
  void standardize(Numbers& x) const {
    const auto size = static_cast<double>(x.size());
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / size;
    double squares = 0;
    for (const double element : x) squares += (element - mean) * (element - mean);
    const double inverse = 1.0 / std::sqrt(squares / size + s_.norm_eps);
    for (double& element : x) element = (element - mean) * inverse;
  }

  /// Returns (x - mean) / deviation * weight + bias (1607.06450, eq. 4).
  Numbers layer_normed(const std::string& name, Numbers x) {
    standardize(x);
    if (s_.plain_norms) return x;
    const Numbers weight = w_.row(name + ".weight");
    const Numbers bias = w_.has(name + ".bias") ? w_.row(name + ".bias") : Numbers(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = x[i] * weight.at(i) + bias.at(i);
    return x;
  }

  /// Adds a block's result to the residual x, normalized if the model has a norm of that name.
  void add(Numbers& x, const Numbers& result, const std::string& post_norm) {
    const Numbers& more = w_.has(post_norm + ".weight") ? normed(post_norm, result) : result;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += s_.residual_scale * more.at(i);
  }

  /// Normalizes heads, if the model has such a norm: each of them, with weights in common or of its own, or all
  /// together (2501.00656, section 2).
  void norm_heads(Numbers& x, const std::string& norm, std::size_t size) {
    if (!w_.has(norm + ".weight")) return;
    if (w_.row(norm + ".weight").size() == x.size()) return rms_norm(x, 0, w_.row(norm + ".weight"), s_.norm_eps);
    const bool own = w_.rows(norm + ".weight") > 1;
    for (std::size_t head = 0; head * size < x.size(); ++head) {
      const Numbers weight = w_.row(norm + ".weight", own ? head : 0);
      if (!s_.layer_norm) {
        rms_norm(x, head * size, weight, s_.norm_eps);
        continue;
      }
      const auto begin = x.begin() + static_cast<std::ptrdiff_t>(head * size);
      Numbers one(begin, begin + static_cast<std::ptrdiff_t>(size));
      standardize(one);
      for (std::size_t i = 0; i < one.size(); ++i) begin[static_cast<std::ptrdiff_t>(i)] = one[i] * weight.at(i);
    }
  }

  /// Normalizes heads and rotates them.
  void shape_heads(Numbers& x, std::size_t layer, const std::string& norm, std::size_t position) {
    const ReferenceRope& rope = s_.windows[layer] == 0 ? s_.rope : s_.local_rope;
    const std::size_t size = s_.key_sizes[layer];
    norm_heads(x, norm, size);
    for (std::size_t begin = 0; begin < x.size() && s_.rotated[layer]; begin += size) rotate(x, begin, rope, position);
  }

  Numbers attention(std::size_t layer, const std::string& prefix, const Numbers& x) {
    Numbers query, key, value, gates;
    const std::size_t source = s_.sources[layer];
    const std::size_t position = keys_[layer].size();
    if (w_.has(prefix + "attn_kv_a_mqa.weight")) {
      LatentRows rows = latent_rows(w_, s_, prefix, x, position);
      query = std::move(rows.query);
      key = std::move(rows.key);
      value = std::move(rows.value);
    } else if (w_.has(prefix + "attn_qkv.weight")) {
      const Numbers all = w_.linear(prefix + "attn_qkv", x);
      const auto keys_from = all.begin() + static_cast<std::ptrdiff_t>(s_.heads * s_.key_sizes[layer]);
      const auto values_from = keys_from + static_cast<std::ptrdiff_t>(s_.kv_heads[layer] * s_.key_sizes[layer]);
      query.assign(all.begin(), keys_from);
      key.assign(keys_from, values_from);
      value.assign(values_from, all.end());
    } else {
      query = w_.linear(prefix + "attn_q", x);
      if (s_.query_gates) gates = part_gates(query, layer);
      if (source == layer) {
        key = w_.linear(prefix + "attn_k", x);
        value = w_.has(prefix + "attn_v.weight") ? w_.linear(prefix + "attn_v", x) : key;
      }
    }
    for (Numbers* part : {&query, &key, &value}) clamp(*part);
    const bool shaped = w_.has(prefix + "attn_kv_a_mqa.weight");
    if (!shaped) shape_heads(query, layer, prefix + "attn_q_norm", position);
    if (!shaped && source == layer) shape_heads(key, layer, prefix + "attn_k_norm", position);
    const Numbers ones(s_.value_sizes[layer], 1.0);
    for (std::size_t begin = 0; begin < value.size() && s_.norms_values; begin += ones.size())
      rms_norm(value, begin, ones, s_.norm_eps);
    const double steps = std::floor(static_cast<double>(position) / s_.temperature_floor);
    for (double& element : query) element *= 1.0 + s_.temperature * std::log(1.0 + steps);
    // A layer that reads another's has empty rows of its own.
    keys_[layer].push_back(key);
    values_[layer].push_back(value);
    const std::string sinks = prefix + "attn_sinks.weight";
    const Numbers sink_logits = w_.has(sinks) ? w_.row(sinks) : Numbers();
    Numbers mixed;
    for (std::size_t head = 0; head < s_.heads; ++head) {
      // A logit of minus infinity has no share.
      const Numbers more = attend(source, query, head, sink_logits.empty() ? -INFINITY : sink_logits.at(head));
      mixed.insert(mixed.end(), more.begin(), more.end());
    }
    for (std::size_t i = 0; i < gates.size(); ++i) mixed.at(i) *= sigmoid(gates[i]);
    return w_.linear(prefix + "attn_output", mixed);
  }

  void clamp(Numbers& x) const {
    if (s_.clamp == 0.0) return;
    for (double& element : x) element = std::clamp(element, -s_.clamp, s_.clamp);
  }

  /// Takes out what follows each head's query: the gates of its output (2505.06708).
  Numbers part_gates(Numbers& query, std::size_t layer) const {
    const std::size_t key_size = s_.key_sizes[layer];
    const std::size_t value_size = s_.value_sizes[layer];
    Numbers queries, gates;
    for (std::size_t head = 0; head < s_.heads; ++head) {
      const auto begin = query.begin() + static_cast<std::ptrdiff_t>(head * (key_size + value_size));
      const auto middle = begin + static_cast<std::ptrdiff_t>(key_size);
      queries.insert(queries.end(), begin, middle);
      gates.insert(gates.end(), middle, middle + static_cast<std::ptrdiff_t>(value_size));
    }
    query = queries;
    return gates;
  }

  /// Returns softmax(q K^T scale) V of one head (1706.03762, eq. 1) over the tokens that the layer sees. Heads share
  /// keys and values in groups (2305.13245). A sink's logit takes part in the softmax and has no value (2508.10925).
  Numbers attend(std::size_t layer, const Numbers& query, std::size_t head, double sink) const {
    const std::size_t tokens = keys_[layer].size();
    const std::size_t window = s_.windows[layer];
    const std::size_t first = window == 0 || window >= tokens ? 0 : tokens - window;
    const std::size_t kv_head = head / (s_.heads / s_.kv_heads[layer]);
    const std::size_t key_size = s_.key_sizes[layer];
    const std::size_t value_size = s_.value_sizes[layer];
    Numbers scores;
    for (std::size_t t = first; t < tokens; ++t) {
      double dot = 0;
      for (std::size_t i = 0; i < key_size; ++i)
        dot += query.at(head * key_size + i) * keys_[layer][t].at(kv_head * key_size + i);
      scores.push_back(softly_capped(dot * s_.attention_scale, s_.attention_softcap));
    }
    const double highest = std::max(sink, *std::max_element(scores.begin(), scores.end()));
    double sum = std::exp(sink - highest);
    for (const double score : scores) sum += std::exp(score - highest);
    Numbers mixed(value_size);
    for (std::size_t t = first; t < tokens; ++t) {
      const double share = std::exp(scores[t - first] - highest) / sum;
      for (std::size_t i = 0; i < value_size; ++i) mixed[i] += share * values_[layer][t].at(kv_head * value_size + i);
    }
    return mixed;
  }

  /// Returns the gated block, down(activation(gate(x)) up(x)) (2002.05202, eq. 6), or without a gate
  /// down(activation(up(x))) (1706.03762, eq. 2).
  Numbers feed_forward(const std::string& prefix, const Numbers& x) {
    return w_.has(prefix + "ffn_gate_inp.weight") ? experts(prefix, x, x) : network(prefix, x);
  }

  Numbers network(const std::string& prefix, const Numbers& x) {
    if (w_.rows(prefix + "ffn_up.weight") == 2 * w_.columns(prefix + "ffn_down.weight")) {
      const Numbers both = w_.linear(prefix + "ffn_up", x);
      const auto middle = both.begin() + static_cast<std::ptrdiff_t>(both.size() / 2);
      return w_.linear(prefix + "ffn_down", gated(s_.activation, {both.begin(), middle}, {middle, both.end()}));
    }
    if (!w_.has(prefix + "ffn_gate.weight")) {
      return w_.linear(prefix + "ffn_down", activated(w_.linear(prefix + "ffn_up", x)));
    }
    return w_.linear(prefix + "ffn_down",
                     gated(s_.activation, w_.linear(prefix + "ffn_gate", x), w_.linear(prefix + "ffn_up", x)));
  }

  /// Returns the sum of the chosen experts by their shares (1701.06538, eq. 1), and of the shared one (2401.06066,
  /// eq. 9).
  Numbers experts(const std::string& prefix, const Numbers& router_input, const Numbers& x) {
    Numbers shares = w_.linear(prefix + "ffn_gate_inp", router_input);
    if (s_.gating == ReferenceGating::kAll) softmax(shares);
    // 2412.19437, eq. 15.
    if (s_.gating == ReferenceGating::kSigmoid) std::transform(shares.begin(), shares.end(), shares.begin(), sigmoid);
    Numbers ranks = shares;
    if (w_.has(prefix + "exp_probs_b.bias")) {
      const Numbers bias = w_.row(prefix + "exp_probs_b.bias");
      for (std::size_t i = 0; i < ranks.size(); ++i) ranks[i] += bias.at(i);
    }
    close_groups(ranks);
    std::vector<std::size_t> chosen(ranks.size());
    std::iota(chosen.begin(), chosen.end(), std::size_t{0});
    std::stable_sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) { return ranks[a] > ranks[b]; });
    chosen.resize(s_.experts_used);
    Numbers weights;
    for (const std::size_t expert : chosen) weights.push_back(shares[expert]);
    if (s_.gating == ReferenceGating::kChosen) softmax(weights);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    Numbers out = shared_expert(prefix, x);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      double share = weights[i] / (s_.normalized_shares ? sum : 1.0) * s_.share_scale;
      if (w_.has(prefix + "ffn_down_exps.scale")) share *= w_.row(prefix + "ffn_down_exps.scale").at(chosen[i]);
      const Numbers inner = expert(prefix, x, chosen[i]);
      const Numbers more = w_.expert(prefix + "ffn_down_exps", inner, chosen[i]);
      for (std::size_t j = 0; j < out.size(); ++j) out[j] += share * more.at(j);
    }
    return out;
  }

  /// Takes experts out of the choice whose group's two best have too small a sum (2412.19437, section 2.1.2).
  void close_groups(Numbers& ranks) const {
    if (s_.expert_groups <= 1) return;
    const auto size = static_cast<std::ptrdiff_t>(ranks.size() / s_.expert_groups);
    std::vector<std::pair<double, std::ptrdiff_t>> groups;
    for (auto begin = ranks.begin(); begin != ranks.end(); begin += size) {
      Numbers group(begin, begin + size);
      std::sort(group.rbegin(), group.rend());
      groups.emplace_back(-(group.at(0) + group.at(1)), begin - ranks.begin());
    }
    std::sort(groups.begin(), groups.end());
    for (std::size_t i = s_.expert_groups_used; i < groups.size(); ++i)
      std::fill_n(ranks.begin() + groups[i].second, size, -INFINITY);
  }

  Numbers activated(Numbers x) const {
    for (double& element : x) element = activate(s_.activation, element);
    return x;
  }

  /// Returns what down reads of one expert, whose gate and up may be one tensor.
  Numbers expert(const std::string& prefix, const Numbers& x, std::size_t number) {
    if (!w_.has(prefix + "ffn_gate_up_exps.weight") && !w_.has(prefix + "ffn_gate_exps.weight"))
      return activated(w_.expert(prefix + "ffn_up_exps", x, number));
    if (!w_.has(prefix + "ffn_gate_up_exps.weight")) {
      return gated(s_.activation, w_.expert(prefix + "ffn_gate_exps", x, number),
                   w_.expert(prefix + "ffn_up_exps", x, number));
    }
    const Numbers both = w_.expert(prefix + "ffn_gate_up_exps", x, number);
    const auto middle = both.begin() + static_cast<std::ptrdiff_t>(both.size() / 2);
    return gated(s_.activation, {both.begin(), middle}, {middle, both.end()});
  }

  /// Gemma 4's mixture: a network that every token takes, and experts whose router reads x / rms(x) * scale /
  /// sqrt(width); both outputs are normed before they are added up.
  Numbers experts_beside(const std::string& prefix, const Numbers& x) {
    Numbers router_input = x;
    rms_norm(router_input, 0, w_.row(prefix + "ffn_gate_inp.scale"), s_.norm_eps);
    for (double& element : router_input) element /= std::sqrt(static_cast<double>(x.size()));
    const Numbers dense = normed(prefix + "post_ffw_norm_1", network(prefix, normed(feed_forward_norm(prefix), x)));
    Numbers sum =
        normed(prefix + "post_ffw_norm_2", experts(prefix, router_input, normed(prefix + "pre_ffw_norm_2", x)));
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += dense.at(i);
    return sum;
  }

  /// Returns the token's own embeddings of all layers (Gemma 3n): its row of a table, scaled as its usual embedding is,
  /// and a normed projection of that embedding, each with half the variance.
  Numbers layer_inputs(Token token, const Numbers& embedding) {
    Numbers rows = w_.row("per_layer_token_embd.weight", static_cast<std::size_t>(token));
    Numbers made = w_.linear("per_layer_model_proj", embedding);
    const Numbers norm = w_.row("per_layer_proj_norm.weight");
    for (double& element : made) element /= std::sqrt(static_cast<double>(embedding.size()));
    for (std::size_t begin = 0; begin < made.size(); begin += norm.size()) rms_norm(made, begin, norm, s_.norm_eps);
    for (std::size_t i = 0; i < made.size(); ++i)
      made[i] = (made[i] + rows.at(i) * std::sqrt(static_cast<double>(norm.size()))) / std::numbers::sqrt2;
    return made;
  }

  Numbers layer_embedding(std::size_t layer, const std::string& prefix, const Numbers& x, const Numbers& inputs) {
    Numbers gate = w_.linear(prefix + "inp_gate", x);
    for (std::size_t i = 0; i < gate.size(); ++i)
      gate[i] = activate(s_.activation, gate[i]) * inputs.at(layer * gate.size() + i);
    return w_.linear(prefix + "proj", gate);
  }

  Numbers shared_expert(const std::string& prefix, const Numbers& x) {
    if (!w_.has(prefix + "ffn_up_shexp.weight")) return Numbers(x.size());
    const Numbers up = w_.linear(prefix + "ffn_up_shexp", x);
    Numbers out =
        w_.linear(prefix + "ffn_down_shexp", w_.has(prefix + "ffn_gate_shexp.weight")
                                                 ? gated(s_.activation, w_.linear(prefix + "ffn_gate_shexp", x), up)
                                                 : activated(up));
    if (!w_.has(prefix + "ffn_gate_inp_shexp.weight")) return out;
    const Numbers gate = w_.row(prefix + "ffn_gate_inp_shexp.weight");
    const double share = sigmoid(std::inner_product(x.begin(), x.end(), gate.begin(), 0.0));
    for (double& element : out) element *= share;
    return out;
  }

  const ReferenceSpec& s_;
  Weights w_;
  /// By layer and position.
  std::vector<std::vector<Numbers>> keys_, values_;
  std::vector<ReferenceState> states_;  ///< By layer.
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
