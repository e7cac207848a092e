#include <pith/stats.h>

#include <algorithm>

#include "base/fail.h"
#include "session/session_impl.h"

namespace pith {
namespace {

KvStats stats_of(const KvOptions& kv, const kv::Cache& cache, std::size_t tokens, std::size_t sealed_bytes,
                 std::size_t exact_bytes) {
  const kv::KvShape& shape = cache.shape();
  KvStats stats;
  stats.key_codec = kv.key;
  stats.value_codec = kv.value;
  stats.tokens = static_cast<int>(tokens);
  stats.sealed_bytes = sealed_bytes;
  stats.exact_bytes = exact_bytes;
  stats.bytes = sealed_bytes + exact_bytes;
  for (const std::size_t window : shape.windows) {
    const std::size_t held = window == 0 ? tokens : std::min(window, tokens);
    stats.bytes_f16 += 2 * held * shape.kv_heads * (shape.key_size + shape.value_size);
  }
  return stats;
}

}  // namespace

KvStats Session::Impl::kv_stats() const {
  KvStats stats = stats_of(kv_, cache_, tokens_.size(), cache_.sealed_bytes(), cache_.exact_bytes());
  stats.policy_bytes = cache_.observed_bytes();
  stats.held_tokens = static_cast<int>(session::held_tokens(cache_));
  const kv::KvShape& shape = cache_.shape();
  stats.layers.resize(shape.layers());
  for (std::size_t layer = 0; layer < shape.layers(); ++layer) {
    const std::size_t window = shape.windows[layer];
    const std::size_t held = window == 0 ? tokens_.size() : std::min(window, tokens_.size());
    stats.layers[layer] = {cache_.bytes(KvSide::kKeys, layer), cache_.bytes(KvSide::kValues, layer),
                           2 * held * shape.kv_heads * shape.key_size, 2 * held * shape.kv_heads * shape.value_size};
  }
  return stats;
}

KvStats predict_kv(const Model& model, const KvOptions& kv, int tokens) {
  if (tokens < 0) fail(ErrorKind::kInvalidArgument, "tokens is {}, must be at least 0", tokens);
  const kv::Cache cache = session::make_cache(model, kv);
  const auto count = static_cast<std::size_t>(tokens);
  return stats_of(kv, cache, count, cache.sealed_bytes_at(count), cache.exact_bytes_at(count));
}

}  // namespace pith
