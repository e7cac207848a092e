#include <cmath>

#include "base/fail.h"
#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kPeriodDefault = 6;
constexpr std::size_t kLayers27B = 62;

}  // namespace

/// Gemma 3 (2503.19786): five sliding-window layers to one global, each kind with its own RoPE base; norms before and
/// after both blocks; normalized queries and keys; scaled embeddings. The files hold norm weights with one already
/// added.
void adapt_gemma3(const gguf::File& file, Hparams& hparams) {
  const gguf::Metadata& metadata = file.metadata();
  hparams.rope.pairs = RopePairs::kHalves;
  hparams.query_key_norm = true;
  hparams.post_norms = true;
  hparams.activation = Activation::kGelu;
  hparams.embedding_scale = std::sqrt(static_cast<float>(hparams.embedding));
  // The 27B model alone scales by the embedding's share of a head.
  if (hparams.layers == kLayers27B) {
    const std::size_t share = hparams.embedding / hparams.heads;
    hparams.attention_scale = 1.0F / std::sqrt(static_cast<float>(share));
  }
  const double softcap = metadata.get<double>("gemma3.final_logit_softcapping").value_or(0.0);
  if (!std::isfinite(softcap) || softcap < 0.0) {
    fail(ErrorKind::kFormat, "{}: gemma3.final_logit_softcapping is {}, must be finite and at least 0", file.path(),
         softcap);
  }
  hparams.logit_softcap = static_cast<float>(softcap);
  hparams.sliding_window = metadata.get<std::uint64_t>("gemma3.attention.sliding_window").value_or(0);
  if (hparams.sliding_window == 0) return;

  hparams.local_rope = hparams.rope;
  hparams.local_rope.base = metadata.get<double>("gemma3.rope.freq_base_swa").value_or(10000.0);
  hparams.local_rope.scaling = RopeScaling::kNone;
  hparams.local_rope.factor = 1.0;
  const std::string_view pattern_key = "gemma3.attention.sliding_window_pattern";
  if (metadata.is_array(pattern_key)) {
    const std::vector<std::int64_t> pattern = metadata.integers(pattern_key);
    if (pattern.size() != hparams.layers) {
      fail(ErrorKind::kFormat, "{}: {} has {} entries for {} layers", file.path(), pattern_key, pattern.size(),
           hparams.layers);
    }
    for (std::size_t i = 0; i < hparams.layers; ++i) hparams.windows[i] = pattern[i] != 0 ? hparams.sliding_window : 0;
    return;
  }
  const std::uint64_t period = metadata.get<std::uint64_t>(pattern_key).value_or(kPeriodDefault);
  for (std::size_t i = 0; i < hparams.layers; ++i) {
    const bool global = period != 0 && i % period == period - 1;
    hparams.windows[i] = global ? 0 : hparams.sliding_window;
  }
}

}  // namespace pith::model
