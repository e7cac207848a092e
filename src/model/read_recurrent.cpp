#include "model/read_recurrent.h"

#include <cstdint>
#include <string>

#include "base/fail.h"
#include "model/tensor_names.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kTapsMax = 16;
constexpr std::uint64_t kWidthMax = 1U << 20;
constexpr std::uint64_t kStateSizeMax = 512;
constexpr std::uint64_t kSizeMultiple = 16;
constexpr std::uint64_t kUsualPeriod = 4;

/// Returns a size of heads that kernels can take.
std::size_t state_size(const gguf::File& file, const std::string& key, std::size_t size) {
  if (size % kSizeMultiple == 0 && size <= kStateSizeMax) return size;
  fail(ErrorKind::kUnsupported, "{}: {} is {}, must be a multiple of {} up to {}", file.path(), key, size,
       kSizeMultiple, kStateSizeMax);
}

void check_divides(const gguf::File& file, const Keys& keys, std::string_view part, std::size_t divisor,
                   std::string_view whole, std::size_t number) {
  if (number % divisor == 0) return;
  fail(ErrorKind::kFormat, "{}: {} is {}, must divide {} {}", file.path(), keys.name_of(part), divisor, whole, number);
}

/// All but every full_attention_interval-th layer, unless the file lists them.
void read_by_period(const gguf::File& file, const Keys& keys, std::size_t blocks, std::vector<LayerParts>& parts) {
  constexpr std::string_view kList = "attention.recurrent_layers";
  const std::size_t period = keys.count_or("full_attention_interval", kUsualPeriod, kWidthMax);
  if (keys.has(kList)) {
    const std::vector<std::size_t> recurrent = keys.counts_by_layer(kList, blocks, 0, 1);
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].recurrent = recurrent[i] == 1;
  } else {
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i].recurrent = (i + 1) % period != 0;
  }
  if (file.find(layer_tensor(0, "attn_norm.weight")) == nullptr) {
    fail(ErrorKind::kUnsupported, "{}: layer 0 is missing: files of drafting layers alone are not supported",
         file.path());
  }
}

}  // namespace

std::size_t read_drafting_layers(const gguf::File& file, const Keys& keys, std::size_t blocks) {
  const std::string key = keys.name_of("nextn_predict_layers");
  const std::uint64_t drafting = file.metadata().get<std::uint64_t>(key).value_or(0);
  if (drafting >= blocks)
    fail(ErrorKind::kFormat, "{}: {} is {}, must be below block_count {}", file.path(), key, drafting, blocks);
  return static_cast<std::size_t>(drafting);
}

std::vector<LayerParts> read_parts(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t layers,
                                   std::size_t blocks) {
  std::vector<LayerParts> parts(layers);
  switch (traits.recurrent.layers) {
    case RecurrentLayers::kNone:
      return parts;
    case RecurrentLayers::kAll:
      for (LayerParts& part : parts) part.recurrent = true;
      break;
    case RecurrentLayers::kWithoutKvHeads: {
      const std::vector<std::size_t> kv_heads = keys.counts_by_layer("attention.head_count_kv", blocks, 0, kWidthMax);
      for (std::size_t i = 0; i < layers; ++i) parts[i].recurrent = kv_heads[i] == 0;
      break;
    }
    case RecurrentLayers::kByPeriod:
      read_by_period(file, keys, blocks, parts);
      break;
  }
  if (traits.recurrent.feed_forward == FeedForwardLayers::kNone) {
    for (LayerParts& part : parts) part.feed_forward = false;
  } else if (traits.recurrent.feed_forward == FeedForwardLayers::kAlone) {
    const std::vector<std::size_t> sizes = keys.counts_by_layer("feed_forward_length", blocks, 0, kWidthMax);
    for (std::size_t i = 0; i < layers; ++i) {
      parts[i].feed_forward = sizes[i] != 0;
      parts[i].recurrent = parts[i].recurrent && !parts[i].feed_forward;
    }
  }
  const bool alone = traits.recurrent.feed_forward == FeedForwardLayers::kAlone;
  for (LayerParts& part : parts) part.attention = !part.recurrent && !(alone && part.feed_forward);
  return parts;
}

RecurrentSpec read_recurrent(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t hidden_size,
                             std::size_t layer) {
  RecurrentSpec spec;
  spec.kind = traits.recurrent.kind;
  if (spec.kind == Recurrence::kShortConvolution) {
    spec.taps = keys.count_in("shortconv.l_cache", 2, kTapsMax);
    spec.value_size = hidden_size;
    return spec;
  }
  spec.taps = keys.count_in("ssm.conv_kernel", 2, kTapsMax);
  spec.convolution_bias = file.find(layer_tensor(layer, "ssm_conv1d.bias")) != nullptr;
  spec.heads = keys.count("ssm.time_step_rank", kWidthMax);
  spec.key_heads = keys.count("ssm.group_count", kWidthMax);
  check_divides(file, keys, "ssm.group_count", spec.key_heads, "ssm.time_step_rank", spec.heads);
  const std::size_t inner = keys.count("ssm.inner_size", kWidthMax);
  check_divides(file, keys, "ssm.time_step_rank", spec.heads, "ssm.inner_size", inner);
  spec.value_size = state_size(file, keys.name_of("ssm.inner_size") + " / ssm.time_step_rank", inner / spec.heads);
  spec.key_size = state_size(file, keys.name_of("ssm.state_size"), keys.count("ssm.state_size", kWidthMax));
  spec.reads = traits.recurrent.reads;
  spec.norm = {NormKind::kRms, keys.norm_epsilon(true)};
  spec.fused_rates = file.find(layer_tensor(layer, "ssm_ba.weight")) != nullptr;
  return spec;
}

}  // namespace pith::model
