#include "model/read_heads.h"

#include <vector>

#include "base/fail.h"

namespace pith::model {
namespace {

void check_groups(const gguf::File& file, const Keys& keys, const AttentionSpec& attention) {
  if (attention.heads % attention.kv_heads == 0) return;
  fail(ErrorKind::kFormat, "{}: {} is {}, must be a multiple of attention.head_count_kv {}", file.path(),
       keys.name_of("attention.head_count"), attention.heads, attention.kv_heads);
}

}  // namespace

std::size_t read_count(const Keys& keys, const Traits& traits, std::string_view name, std::size_t blocks) {
  if (traits.uneven) return keys.counts_by_layer(name, blocks, 1, kDimensionMax).front();
  return traits.recurrent.layers == RecurrentLayers::kNone ? keys.count_by_layer(name, blocks, kDimensionMax)
                                                           : keys.count_where_present(name, blocks, kDimensionMax);
}

void read_heads(const gguf::File& file, const Keys& keys, const Traits& traits, std::size_t blocks,
                AttentionSpec& attention) {
  attention.heads = read_count(keys, traits, "attention.head_count", blocks);
  attention.kv_heads = keys.has("attention.head_count_kv") ? read_count(keys, traits, "attention.head_count_kv", blocks)
                                                           : attention.heads;
  check_groups(file, keys, attention);
}

void read_by_layer(const gguf::File& file, const Keys& keys, std::size_t blocks, ModelSpec& spec) {
  const auto counts = [&](std::string_view name) {
    return keys.has(name) ? keys.counts_by_layer(name, blocks, 1, kDimensionMax) : std::vector<std::size_t>();
  };
  const std::vector<std::size_t> heads = keys.counts_by_layer("attention.head_count", blocks, 1, kDimensionMax);
  const std::vector<std::size_t> kv_heads = counts("attention.head_count_kv");
  const std::vector<std::size_t> sizes = counts("feed_forward_length");
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    LayerSpec& layer = spec.layers[i];
    layer.attention.heads = heads[i];
    layer.attention.kv_heads = kv_heads.empty() ? heads[i] : kv_heads[i];
    check_groups(file, keys, layer.attention);
    if (sizes.empty()) continue;
    ExpertsSpec& experts = layer.feed_forward.experts;
    if (!experts.present()) {
      layer.feed_forward.size = sizes[i];
    } else if (experts.shared_is_dense) {
      experts.shared_size = sizes[i];
    }
  }
}

std::size_t usual_head_size(const gguf::File& file, const Keys& keys, std::size_t hidden_size, std::size_t heads) {
  for (const char* name : {"attention.key_length", "attention.value_length"}) {
    if (keys.has(name) || hidden_size % heads == 0) continue;
    fail(ErrorKind::kFormat, "{}: {} is {}, must divide embedding_length {} where {} is absent", file.path(),
         keys.name_of("attention.head_count"), heads, hidden_size, name);
  }
  return hidden_size / heads;
}

std::size_t read_head_size(const gguf::File& file, const Keys& keys, std::string_view name, std::size_t usual) {
  const std::size_t size = keys.count_or(name, usual, kDimensionMax);
  if (size % kHeadMultiple != 0 || size > kHeadSizeMax) {
    fail(ErrorKind::kUnsupported, "{}: {} is {}, must be a multiple of {} up to {}", file.path(), keys.name_of(name),
         size, kHeadMultiple, kHeadSizeMax);
  }
  return size;
}

}  // namespace pith::model
