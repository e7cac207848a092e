#include "session/session_impl.h"

namespace pith::session {

int checked_batch(int tokens) {
  if (tokens < 1 || tokens > kBatchMax) {
    fail(ErrorKind::kInvalidArgument, "batch_tokens is {}, allowed are 1 to {}", tokens, kBatchMax);
  }
  return tokens;
}

int checked_context(int context, int trained) {
  if (context < 0) fail(ErrorKind::kInvalidArgument, "context is {}, must be at least 0", context);
  return context == 0 ? trained : context;
}

kv::Cache make_cache(const Model& model, const KvOptions& kv) {
  const kv::KvShape shape = model::kv_shape(model.impl()->hparams());
  std::vector<kv::LayerCodecs> codecs(shape.layers(), {kv.key, kv.value});
  for (const auto& [layer, codec] : kv.layers) {
    if (layer < 0 || static_cast<std::size_t>(layer) >= shape.layers()) {
      fail(ErrorKind::kInvalidArgument, "KV codecs are given for layer {}, the model has {}", layer, shape.layers());
    }
    codecs[static_cast<std::size_t>(layer)] = {codec.key, codec.value};
  }
  return {shape, codecs, model.impl()->kernels(), kv.codecs.get()};
}

std::shared_ptr<const Eviction> make_eviction(const Model& model, const EvictionOptions& options) {
  if (options.policy.empty()) {
    if (options.budget_tokens != 0 || options.budget_bytes != 0)
      fail(ErrorKind::kInvalidArgument, "an eviction budget needs a policy, and none is named");
    return nullptr;
  }
  return std::make_shared<const Eviction>(options, model.impl()->hparams().attention_scale);
}

}  // namespace pith::session
