#include "support/tiny_recurrent.h"

#include <cstdint>
#include <vector>

#include "support/tiny_form.h"

namespace pith::test {
namespace {

TinyRecurrent recurrence(const TinyModelSpec& spec) { return tiny_form(spec.architecture).recurrent; }

bool is_delta(const TinyModelSpec& spec) {
  return recurrence(spec) == TinyRecurrent::kDelta || recurrence(spec) == TinyRecurrent::kDeltaFused;
}

/// Writes a number for each layer: `value`, or 0 where the layer has nothing of the kind.
void add_by_layer(GgufWriter& writer, const TinyModelSpec& spec, const char* name, std::size_t value,
                  bool TinyParts::*part) {
  std::vector<std::int32_t> values;
  for (std::size_t i = 0; i < spec.layers; ++i)
    values.push_back(tiny_parts(spec, i).*part ? static_cast<std::int32_t>(value) : 0);
  writer.add_array(spec.architecture + name, values);
}

}  // namespace

TinyParts tiny_parts(const TinyModelSpec& spec, std::size_t layer) {
  switch (recurrence(spec)) {
    case TinyRecurrent::kNone:
      return {};
    case TinyRecurrent::kAlone:
      return {false, true, false};
    case TinyRecurrent::kBlocks:
      return {layer % 3 == 2, layer % 3 == 0, layer % 3 == 1};
    default:
      return {layer % 2 == 1, layer % 2 == 0, true};
  }
}

void add_recurrent_keys(GgufWriter& writer, const TinyModelSpec& spec) {
  const auto number = [&](const char* name, std::size_t value) {
    writer.add(spec.architecture + name, static_cast<std::uint32_t>(value));
  };
  const TinyRecurrent kind = recurrence(spec);
  if (kind == TinyRecurrent::kNone || is_delta(spec)) {
    number(".attention.head_count_kv", spec.kv_heads);
  } else if (kind != TinyRecurrent::kAlone) {
    add_by_layer(writer, spec, ".attention.head_count_kv", spec.kv_heads, &TinyParts::attention);
  }
  if (kind == TinyRecurrent::kBlocks) {
    add_by_layer(writer, spec, ".feed_forward_length", spec.feed_forward, &TinyParts::feed_forward);
  } else {
    number(".feed_forward_length", kind == TinyRecurrent::kAlone ? 0 : spec.feed_forward);
  }
  if (kind == TinyRecurrent::kConvolution) number(".shortconv.l_cache", spec.taps);
  if (kind == TinyRecurrent::kNone || kind == TinyRecurrent::kConvolution) return;
  number(".ssm.conv_kernel", spec.taps);
  number(".ssm.inner_size", spec.state_heads * spec.state_values);
  number(".ssm.state_size", spec.state_keys);
  number(".ssm.time_step_rank", spec.state_heads);
  number(".ssm.group_count", spec.state_key_heads);
}

void add_recurrent(TensorMaker& make, const TinyModelSpec& spec, const std::string& prefix) {
  constexpr float kDecay = -0.5F;
  if (recurrence(spec) == TinyRecurrent::kConvolution) {
    make.rows(prefix + "shortconv.conv.weight", spec.embedding, spec.taps, 0.5F);
    make.matrix(prefix + "shortconv.in_proj.weight", 3 * spec.embedding, spec.embedding);
    make.matrix(prefix + "shortconv.out_proj.weight", spec.embedding, spec.embedding);
    return;
  }
  const std::size_t heads = spec.state_heads;
  const std::size_t inner = heads * spec.state_values;
  const std::size_t channels = inner + 2 * spec.state_key_heads * spec.state_keys;
  make.rows(prefix + "ssm_conv1d.weight", channels, spec.taps, 0.5F);
  make.vector(prefix + "ssm_dt.bias", heads, 0.0F);
  make.matrix(prefix + "ssm_out.weight", spec.embedding, inner);
  if (!is_delta(spec)) {
    make.rows(prefix + "ssm_a", heads, 1, kDecay);
    make.rows(prefix + "ssm_d", heads, 1, 1.0F);
    make.vector(prefix + "ssm_conv1d.bias", channels, 0.0F);
    make.rows(prefix + "ssm_norm.weight", spec.state_key_heads, inner / spec.state_key_heads, 1.0F);
    make.matrix(prefix + "ssm_in.weight", inner + channels + heads, spec.embedding);
    return;
  }
  make.vector(prefix + "ssm_a", heads, kDecay);
  make.vector(prefix + "ssm_norm.weight", spec.state_values);
  make.matrix(prefix + "attn_qkv.weight", channels, spec.embedding);
  make.matrix(prefix + "attn_gate.weight", inner, spec.embedding);
  if (recurrence(spec) == TinyRecurrent::kDeltaFused) {
    make.matrix(prefix + "ssm_ba.weight", 2 * heads, spec.embedding);
    return;
  }
  make.matrix(prefix + "ssm_alpha.weight", heads, spec.embedding);
  make.matrix(prefix + "ssm_beta.weight", heads, spec.embedding);
}

}  // namespace pith::test
