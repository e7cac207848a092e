#include "session/cache.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/fail.h"
#include "kv/evict/footprint.h"
#include "model/cache_shape.h"
#include "model/recurrent_block.h"
#include "options/check.h"
#include "options/kv_options.h"

namespace pith::session {
namespace {

kv::SparseReading sparse_reading(const KvOptions& kv) {
  return {kv.read_share, static_cast<std::size_t>(kv.read_pages_min)};
}

/// Returns what the keys or values that a layer's queries see after `tokens` tokens take in f16.
std::size_t f16_bytes(const kv::Layer& layer, KvSide side, std::size_t tokens) {
  const std::size_t seen = layer.global() ? tokens : std::min(layer.window(), tokens);
  return 2 * seen * layer.shape().kv_heads * layer.side(side).size();
}

KvStats stats_of(const KvOptions& kv, const kv::Cache& cache, std::size_t tokens, const kv::CacheBytes& bytes) {
  KvStats stats;
  stats.key_codec = kv.key;
  stats.value_codec = kv.value;
  stats.tokens = static_cast<int>(tokens);
  stats.sealed_bytes = bytes.sealed;
  stats.exact_bytes = bytes.exact;
  stats.summary_bytes = bytes.summary;
  stats.state_bytes = bytes.states;
  stats.bytes = bytes.total();
  for (const kv::Layer& layer : cache.layers()) {
    for (const KvSide side : kv::kSides) stats.bytes_f16 += f16_bytes(layer, side, tokens);
  }
  return stats;
}

}  // namespace

KvOptions resolved(KvOptions kv) {
  if (kv.value.empty()) kv.value = kv.key;
  for (auto& [layer, codecs] : kv.layers) {
    if (codecs.value.empty()) codecs.value = codecs.key.empty() ? kv.value : codecs.key;
    if (codecs.key.empty()) codecs.key = kv.key;
  }
  return kv;
}

kv::Cache make_cache(const Model& model, const KvOptions& options, const std::vector<PolicyNeeds>& observed,
                     std::shared_ptr<kv::ByteCounter> counter) {
  const KvOptions kv = resolved(options);
  kv::CacheOptions made;
  const model::ModelSpec& spec = model.impl()->spec();
  for (const model::LayerSpec& layer : spec.layers) {
    if (layer.attention.caches()) {
      made.layers.push_back(
          {model::kv_shape(layer.attention), kv.key, kv.value, model::rotary(*model.impl(), layer.attention)});
    }
    if (layer.recurrent.present()) made.states.push_back(model::state_floats(layer.recurrent));
  }
  for (const auto& [layer, codec] : kv.layers) {
    if (layer < 0 || static_cast<std::size_t>(layer) >= spec.layers.size()) {
      fail(ErrorKind::kInvalidArgument, "KV codecs are given for layer {}, the model has {}", layer,
           spec.layers.size());
    }
    const auto number = static_cast<std::size_t>(layer);
    if (!spec.layers[number].attention.present())
      fail(ErrorKind::kInvalidArgument, "KV codecs are given for layer {}, which has no attention", layer);
    if (!spec.layers[number].attention.caches()) {
      fail(ErrorKind::kInvalidArgument, "KV codecs are given for layer {}, which reads the cache of layer {}", layer,
           spec.cached_by(number));
    }
    kv::LayerOptions& chosen = made.layers[spec.cache_layer(number)];
    chosen.key = codec.key;
    chosen.value = codec.value;
  }
  made.codecs = kv.codecs;
  made.trained = model.impl()->spec().context_trained;
  made.sparse = sparse_reading(options::checked(kv));
  made.pages = {kv.page_checksums, std::move(counter)};
  made.observed = observed;
  made.ranks = model.impl()->ranks();
  return {made, model.impl()->kernels()};
}

KvStats kv_stats(const KvOptions& kv, const kv::Cache& cache) {
  const std::size_t tokens = cache.length();
  KvStats stats = stats_of(kv, cache, tokens, cache.bytes());
  stats.policy_bytes = cache.observed_bytes();
  stats.held_tokens = static_cast<int>(kv::held_tokens(cache));
  for (const kv::Layer& layer : cache.layers()) {
    stats.layers.push_back({kv::bytes_of(layer, KvSide::kKeys), kv::bytes_of(layer, KvSide::kValues),
                            f16_bytes(layer, KvSide::kKeys, tokens), f16_bytes(layer, KvSide::kValues, tokens)});
  }
  return stats;
}

}  // namespace pith::session

namespace pith::inline v0_1 {

KvStats predict_kv(const Model& model, const KvOptions& kv, int tokens) {
  if (tokens < 0) fail(ErrorKind::kInvalidArgument, "tokens is {}, must be at least 0", tokens);
  const kv::Cache cache = session::make_cache(model, kv);
  const auto count = static_cast<std::size_t>(tokens);
  return session::stats_of(session::resolved(kv), cache, count, cache.bytes_at(count));
}

}  // namespace pith::inline v0_1
