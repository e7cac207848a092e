#include "model/reference_recurrent.h"

#include <cmath>

#include "model/reference_math.h"

namespace pith::test {
namespace {

double softplus(double x) { return std::log1p(std::exp(-std::fabs(x))) + std::max(x, 0.0); }
double silu(double x) { return x * sigmoid(x); }

Numbers part(const Numbers& x, std::size_t first, std::size_t count) {
  const auto begin = x.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

/// Returns x / sqrt(sum(x^2) + eps), times scale.
Numbers of_length(Numbers x, double eps, double scale) {
  double squares = 0;
  for (const double element : x) squares += element * element;
  for (double& element : x) element *= scale / std::sqrt(squares + eps);
  return x;
}

/// Returns a vector that files have as a column or as a row.
Numbers vector(Weights& weights, const std::string& name) {
  Numbers all;
  for (std::size_t row = 0; row < weights.rows(name); ++row) {
    const Numbers more = weights.row(name, row);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace

bool is_recurrent(const Weights& weights, const std::string& prefix) {
  return weights.has(prefix + "shortconv.conv.weight") || weights.has(prefix + "ssm_conv1d.weight");
}

Numbers ReferenceState::next(Weights& weights, const ReferenceSpec& spec, const std::string& prefix, const Numbers& x) {
  if (weights.has(prefix + "shortconv.conv.weight")) return short_convolution(weights, prefix, x);
  if (weights.has(prefix + "ssm_in.weight")) return state_space(weights, spec, prefix, x);
  return delta_rule(weights, spec, prefix, x);
}

/// A causal convolution by channel, whose last tap is that of the newest token.
Numbers ReferenceState::convolved(Weights& weights, const std::string& name, const Numbers& x) {
  before_.push_front(x);
  Numbers y = weights.has(name + ".bias") ? weights.row(name + ".bias") : Numbers(x.size());
  const std::size_t taps = weights.columns(name + ".weight");
  for (std::size_t channel = 0; channel < x.size(); ++channel) {
    const Numbers tap = weights.row(name + ".weight", channel);
    for (std::size_t back = 0; back < taps && back < before_.size(); ++back)
      y[channel] += tap.at(taps - 1 - back) * before_[back].at(channel);
  }
  while (before_.size() >= taps) before_.pop_back();
  return y;
}

/// LFM2 (2511.23404, section 2): out((C * conv(B * x))), where B, C and x are projections.
Numbers ReferenceState::short_convolution(Weights& weights, const std::string& prefix, const Numbers& x) {
  const Numbers projected = weights.linear(prefix + "shortconv.in_proj", x);
  const std::size_t size = projected.size() / 3;
  Numbers gated = part(projected, 0, size);
  for (std::size_t i = 0; i < size; ++i) gated[i] *= projected.at(2 * size + i);
  Numbers y = convolved(weights, prefix + "shortconv.conv", gated);
  for (std::size_t i = 0; i < size; ++i) y[i] *= projected[size + i];
  return weights.linear(prefix + "shortconv.out_proj", y);
}

/// Mamba 2 (2405.21060, section 7): h = exp(dt A) h + dt x B^T, y = h C + D x, then norm(y * silu(z)) by group.
Numbers ReferenceState::state_space(Weights& weights, const ReferenceSpec& spec, const std::string& prefix,
                                    const Numbers& x) {
  const std::size_t inner = spec.state_heads * spec.state_values;
  const std::size_t keys = spec.state_key_heads * spec.state_keys;
  const Numbers projected = weights.linear(prefix + "ssm_in", x);
  Numbers channels = convolved(weights, prefix + "ssm_conv1d", part(projected, inner, inner + 2 * keys));
  for (double& element : channels) element = silu(element);
  const Numbers a = vector(weights, prefix + "ssm_a");
  const Numbers d = vector(weights, prefix + "ssm_d");
  const Numbers bias = weights.row(prefix + "ssm_dt.bias");
  states_.resize(spec.state_heads, Numbers(spec.state_keys * spec.state_values));
  Numbers y(inner);
  for (std::size_t head = 0; head < spec.state_heads; ++head) {
    const std::size_t group = head / (spec.state_heads / spec.state_key_heads);
    const double dt = softplus(projected.at(2 * inner + 2 * keys + head) + bias.at(head));
    for (std::size_t v = 0; v < spec.state_values; ++v) {
      const std::size_t at = head * spec.state_values + v;
      y[at] = d.at(head) * channels.at(at);
      for (std::size_t k = 0; k < spec.state_keys; ++k) {
        double& h = states_[head].at(k * spec.state_values + v);
        h = std::exp(dt * a.at(head)) * h + dt * channels[at] * channels.at(inner + group * spec.state_keys + k);
        y[at] += h * channels.at(inner + keys + group * spec.state_keys + k);
      }
    }
  }
  for (std::size_t i = 0; i < inner; ++i) y[i] *= silu(projected[i]);
  for (std::size_t group = 0; group < spec.state_key_heads; ++group)
    rms_norm(y, group * inner / spec.state_key_heads, weights.row(prefix + "ssm_norm.weight", group), spec.norm_eps);
  return weights.linear(prefix + "ssm_out", y);
}

/// Gated DeltaNet (2412.06464, eq. 10): S = a S (I - b k k^T) + b v k^T, o = S q, then norm(o) * silu(z) by head.
Numbers ReferenceState::delta_rule(Weights& weights, const ReferenceSpec& spec, const std::string& prefix,
                                   const Numbers& x) {
  const std::size_t keys = spec.state_key_heads * spec.state_keys;
  const std::size_t heads = spec.state_heads;
  const std::size_t values = spec.state_values;
  const std::size_t shared = heads / spec.state_key_heads;
  Numbers channels = convolved(weights, prefix + "ssm_conv1d", weights.linear(prefix + "attn_qkv", x));
  for (double& element : channels) element = silu(element);
  const Numbers z = weights.linear(prefix + "attn_gate", x);
  const bool fused = weights.has(prefix + "ssm_ba.weight");
  const Numbers both = fused ? weights.linear(prefix + "ssm_ba", x) : Numbers();
  const Numbers beta = fused ? Numbers() : weights.linear(prefix + "ssm_beta", x);
  const Numbers alpha = fused ? Numbers() : weights.linear(prefix + "ssm_alpha", x);
  const Numbers a = weights.row(prefix + "ssm_a");
  const Numbers bias = weights.row(prefix + "ssm_dt.bias");
  const Numbers norm = weights.row(prefix + "ssm_norm.weight");
  states_.resize(heads, Numbers(spec.state_keys * values));
  Numbers y(heads * values);
  for (std::size_t head = 0; head < heads; ++head) {
    // Qwen 3 Next has the rates of a key head's value heads side by side; Qwen 3.5 has the value heads in turn.
    const std::size_t group = spec.cyclic_key_heads ? head % spec.state_key_heads : head / shared;
    const std::size_t at = group * 2 * shared + head % shared;
    const double share = sigmoid(fused ? both.at(at) : beta.at(head));
    const double decay =
        std::exp(a.at(head) * softplus((fused ? both.at(at + shared) : alpha.at(head)) + bias.at(head)));
    const double scale = 1.0 / std::sqrt(static_cast<double>(spec.state_keys));
    const Numbers query = of_length(part(channels, group * spec.state_keys, spec.state_keys), spec.norm_eps, scale);
    const Numbers key = of_length(part(channels, keys + group * spec.state_keys, spec.state_keys), spec.norm_eps, 1.0);
    for (std::size_t v = 0; v < values; ++v) {
      double held = 0;
      for (std::size_t k = 0; k < spec.state_keys; ++k) held += decay * states_[head].at(k * values + v) * key[k];
      const double written = share * (channels.at(2 * keys + head * values + v) - held);
      for (std::size_t k = 0; k < spec.state_keys; ++k) {
        double& state = states_[head][k * values + v];
        state = decay * state + key[k] * written;
        y[head * values + v] += state * query[k];
      }
    }
    rms_norm(y, head * values, norm, spec.norm_eps);
  }
  for (std::size_t i = 0; i < y.size(); ++i) y[i] *= silu(z.at(i));
  return weights.linear(prefix + "ssm_out", y);
}

}  // namespace pith::test
