#include "model/bind_recurrent.h"

#include <string>
#include <utility>
#include <vector>

#include "kernels/types.h"
#include "model/buffers.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

using kernels::kLanes;

/// Files have the taps of a channel side by side; the kernel takes those of 16 channels.
Vector by_blocks(const Vector& taps_of_channels, std::size_t channels, std::size_t taps) {
  Vector blocks(padded(channels) * taps);
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t tap = 0; tap < taps; ++tap)
      blocks[(c / kLanes * taps + tap) * kLanes + c % kLanes] = taps_of_channels[c * taps + tap];
  }
  return blocks;
}

void bind_convolution(Binder& binder, const RecurrentSpec& spec, const std::string& name, RecurrentWeights& w) {
  w.convolution =
      by_blocks(binder.rows_as_vector(name + ".weight", spec.channels(), spec.taps), spec.channels(), spec.taps);
  w.convolution_bias = binder.vector_if(spec.convolution_bias, name + ".bias", spec.channels());
}

/// Takes apart a tensor whose rows are several matrices.
void bind_parts(Binder& binder, const std::string& name, std::size_t hidden_size,
                const std::vector<std::pair<weights::PackedMatrix*, std::size_t>>& parts) {
  std::vector<std::size_t> counts;
  counts.reserve(parts.size());
  for (const auto& [matrix, rows] : parts) counts.push_back(rows);
  std::vector<weights::PackedMatrix> matrices = binder.slices(name, counts, hidden_size);
  for (std::size_t i = 0; i < parts.size(); ++i) *parts[i].first = std::move(matrices[i]);
}

}  // namespace

RecurrentWeights bind_recurrent(Binder& binder, const RecurrentSpec& spec, std::size_t hidden_size, std::size_t layer) {
  const auto name = [&](const char* part) { return layer_tensor(layer, part); };
  const std::size_t inner = spec.inner();
  RecurrentWeights w;
  if (spec.kind == Recurrence::kShortConvolution) {
    bind_parts(binder, name("shortconv.in_proj.weight"), hidden_size,
               {{&w.channels, inner}, {&w.gate, inner}, {&w.beside, inner}});
    bind_convolution(binder, spec, name("shortconv.conv"), w);
    w.output = binder.matrix(name("shortconv.out_proj.weight"), hidden_size, inner);
    return w;
  }
  if (spec.kind == Recurrence::kStateSpace) {
    bind_parts(binder, name("ssm_in.weight"), hidden_size,
               {{&w.gate, inner}, {&w.channels, spec.channels()}, {&w.beside, spec.heads}});
    w.skip = binder.rows_as_vector(name("ssm_d"), spec.heads, 1);
    w.decay = binder.rows_as_vector(name("ssm_a"), spec.heads, 1);
    w.norm.weight = binder.rows_as_vector(name("ssm_norm.weight"), spec.key_heads, inner / spec.key_heads);
  } else {
    w.channels = binder.matrix(name("attn_qkv.weight"), spec.channels(), hidden_size);
    w.gate = binder.matrix(name("attn_gate.weight"), inner, hidden_size);
    if (spec.fused_rates) {
      w.beside = binder.matrix(name("ssm_ba.weight"), 2 * spec.heads, hidden_size);
    } else {
      w.writing = binder.matrix(name("ssm_beta.weight"), spec.heads, hidden_size);
      w.beside = binder.matrix(name("ssm_alpha.weight"), spec.heads, hidden_size);
    }
    w.decay = binder.vector(name("ssm_a"), spec.heads);
    w.norm.weight = binder.vector(name("ssm_norm.weight"), spec.value_size);
  }
  w.decay_bias = binder.vector(name("ssm_dt.bias"), spec.heads);
  bind_convolution(binder, spec, name("ssm_conv1d"), w);
  w.output = binder.matrix(name("ssm_out.weight"), hidden_size, inner);
  return w;
}

}  // namespace pith::model
