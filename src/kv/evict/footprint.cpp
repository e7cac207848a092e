#include "kv/evict/footprint.h"

#include <algorithm>

namespace pith::kv {
namespace {

std::size_t growth_bytes(const LayerConfig& layer, std::size_t tokens) {
  std::size_t bytes = 0;
  for (const KvSide side : kSides) {
    const SideConfig& config = layer.side(side);
    const Codec& codec = config.recent() != nullptr ? *config.recent() : config.codec();
    bytes += tokens / kPageTokens * codec.page_bytes() + config.exact().page_bytes() +
             config.exact().bytes_of(kExactPrefixTokens);
  }
  if (layer.reads_sparsely) bytes += KeyRanges::bytes_of(tokens / kPageTokens + kernels::kLanes, layer.shape.key_size);
  return bytes * layer.shape.kv_heads;
}

}  // namespace

std::size_t total_held(const Cache& cache) {
  std::size_t held = 0;
  for (const Head* head : cache.global_heads()) held += head->held_tokens(cache.tokens());
  return held;
}

std::size_t held_tokens(const Cache& cache) {
  if (!cache.holes().empty() || !cache.borrowed().empty()) return cache.length();
  const std::size_t heads = cache.global_heads().size();
  return heads == 0 ? cache.tokens() : (total_held(cache) + heads - 1) / heads;
}

std::size_t growth_bytes(const Cache& cache, std::size_t tokens) {
  std::size_t bytes = 0;
  for (const Layer& layer : cache.layers()) bytes += growth_bytes(layer.config(), tokens);
  return bytes;
}

std::size_t bytes_per_token(const Cache& cache) {
  std::size_t bytes = 0;
  for (const Head* head : cache.global_heads()) {
    for (const KvSide side : kSides) bytes += head->layer().side(side).codec().page_bytes();
  }
  return std::max<std::size_t>(1, bytes / kPageTokens);
}

}  // namespace pith::kv
