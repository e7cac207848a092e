#include "session/cache.h"

#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "model/forward.h"
#include "session/eviction.h"

namespace pith::session {
namespace {

kv::SparseReading checked_sparse(const KvOptions& kv) {
  if (!(kv.read_share > 0.0 && kv.read_share <= 1.0))
    fail(ErrorKind::kInvalidArgument, "read_share is {}, must be above 0 and at most 1", kv.read_share);
  if (kv.read_pages_min < 0)
    fail(ErrorKind::kInvalidArgument, "read_pages_min is {}, must be at least 0", kv.read_pages_min);
  return {kv.read_share, static_cast<std::size_t>(kv.read_pages_min)};
}

struct HeldBytes {
  std::size_t sealed, exact, summary;
};

KvStats stats_of(const KvOptions& kv, const kv::Cache& cache, std::size_t tokens, const HeldBytes& bytes) {
  const kv::KvShape& shape = cache.shape();
  KvStats stats;
  stats.key_codec = kv.key;
  stats.value_codec = kv.value;
  stats.tokens = static_cast<int>(tokens);
  stats.sealed_bytes = bytes.sealed;
  stats.exact_bytes = bytes.exact;
  stats.summary_bytes = bytes.summary;
  stats.bytes = bytes.sealed + bytes.exact + bytes.summary;
  for (const std::size_t window : shape.windows) {
    const std::size_t held = window == 0 ? tokens : std::min(window, tokens);
    stats.bytes_f16 += 2 * held * shape.kv_heads * (shape.key_size + shape.value_size);
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

kv::Cache make_cache(const Model& model, const KvOptions& options) {
  const KvOptions kv = resolved(options);
  const kv::KvShape shape = model::kv_shape(model.impl()->spec());
  std::vector<kv::LayerCodecs> codecs(shape.layers(), {kv.key, kv.value});
  for (const auto& [layer, codec] : kv.layers) {
    if (layer < 0 || static_cast<std::size_t>(layer) >= shape.layers()) {
      fail(ErrorKind::kInvalidArgument, "KV codecs are given for layer {}, the model has {}", layer, shape.layers());
    }
    codecs[static_cast<std::size_t>(layer)] = {codec.key, codec.value};
  }
  kv::Cache cache(shape, codecs, model.impl()->kernels(), kv.codecs.get());
  cache.set_rotary(model::rotary(*model.impl()), model.impl()->spec().context_trained);
  if (const kv::SparseReading sparse = checked_sparse(kv); sparse.on()) cache.enable_sparse(sparse);
  if (kv.page_checksums) cache.keep_checksums();
  return cache;
}

KvStats kv_stats(const KvOptions& kv, const kv::Cache& cache) {
  const std::size_t tokens = cache.tokens();
  KvStats stats = stats_of(kv, cache, tokens, {cache.sealed_bytes(), cache.exact_bytes(), cache.summary_bytes()});
  stats.policy_bytes = cache.observed_bytes();
  stats.held_tokens = static_cast<int>(held_tokens(cache));
  const kv::KvShape& shape = cache.shape();
  stats.layers.resize(shape.layers());
  for (std::size_t layer = 0; layer < shape.layers(); ++layer) {
    const std::size_t window = shape.windows[layer];
    const std::size_t held = window == 0 ? tokens : std::min(window, tokens);
    stats.layers[layer] = {cache.bytes(KvSide::kKeys, layer), cache.bytes(KvSide::kValues, layer),
                           2 * held * shape.kv_heads * shape.key_size, 2 * held * shape.kv_heads * shape.value_size};
  }
  return stats;
}

}  // namespace pith::session

namespace pith::inline v0_1 {

KvStats predict_kv(const Model& model, const KvOptions& kv, int tokens) {
  if (tokens < 0) fail(ErrorKind::kInvalidArgument, "tokens is {}, must be at least 0", tokens);
  const kv::Cache cache = session::make_cache(model, kv);
  const auto count = static_cast<std::size_t>(tokens);
  return session::stats_of(session::resolved(kv), cache, count,
                           {cache.sealed_bytes_at(count), cache.exact_bytes_at(count), cache.summary_bytes_at(count)});
}

}  // namespace pith::inline v0_1
