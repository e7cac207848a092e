#include <cmath>
#include <vector>

#include "base/fail.h"
#include "model/arch/arch.h"
#include "model/keys.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kPeriodDefault = 6;
constexpr std::size_t kLayers27B = 62;
constexpr std::string_view kPattern = "attention.sliding_window_pattern";
/// Allowed range; a file may also state 0, which means no cap.
constexpr Range kSoftcap = {1e-3, 1e6};

/// Returns which layers have a window. The file states it by layer, or as a period n: every n-th layer has none (0:
/// every layer has one).
std::vector<bool> windowed_layers(const gguf::File& file, const Keys& keys, std::size_t layers) {
  const gguf::Metadata& metadata = file.metadata();
  const std::string key = keys.name_of(kPattern);
  std::vector<bool> windowed(layers);
  if (!metadata.is_array(key)) {
    const std::uint64_t period = metadata.get<std::uint64_t>(key).value_or(kPeriodDefault);
    for (std::size_t i = 0; i < layers; ++i) windowed[i] = period == 0 || i % period != period - 1;
    return windowed;
  }
  const std::vector<std::int64_t> pattern = metadata.integers(key);
  if (pattern.size() != layers) {
    fail(ErrorKind::kFormat, "{}: {} has {} entries for {} layers", file.path(), key, pattern.size(), layers);
  }
  for (std::size_t i = 0; i < layers; ++i) {
    if (pattern[i] < 0 || pattern[i] > 1)
      fail(ErrorKind::kFormat, "{}: {}[{}] is {}, must be 0 or 1", file.path(), key, i, pattern[i]);
    windowed[i] = pattern[i] == 1;
  }
  return windowed;
}

/// Returns the 27B model's attention scale: it alone uses embedding size / heads in place of the head size.
float scale_27b(const gguf::File& file, const Hparams& h) {
  if (h.embedding < h.heads) {
    fail(ErrorKind::kFormat, "{}: gemma3.embedding_length is {}, must be at least attention.head_count {}", file.path(),
         h.embedding, h.heads);
  }
  const std::size_t size = h.embedding / h.heads;
  return 1.0F / std::sqrt(static_cast<float>(size));
}

}  // namespace

/// Gemma 3 (2503.19786): five sliding-window layers per global layer, each kind with its own RoPE base; norms before
/// and after both blocks; normalized queries and keys; scaled embeddings. Files store norm weights with 1 already
/// added.
void adapt_gemma3(const gguf::File& file, Hparams& hparams) {
  const Keys keys(file, hparams.architecture);
  hparams.rope.pairs = RopePairs::kHalfSplit;
  hparams.query_key_norm = true;
  hparams.post_norms = true;
  hparams.activation = Activation::kGelu;
  hparams.embedding_scale = std::sqrt(static_cast<float>(hparams.embedding));
  if (hparams.layers == kLayers27B) hparams.attention_scale = scale_27b(file, hparams);
  const std::string softcap_key = keys.name_of("final_logit_softcapping");
  if (file.metadata().get<double>(softcap_key).value_or(0.0) != 0.0)
    hparams.logit_softcap = static_cast<float>(keys.real("final_logit_softcapping", kSoftcap));
  if (file.metadata().get<std::uint64_t>(keys.name_of("attention.sliding_window")).value_or(0) == 0) return;

  hparams.sliding_window = keys.count("attention.sliding_window", kContextMax);
  hparams.local_rope = hparams.rope;
  hparams.local_rope.base = keys.real_or("rope.freq_base_swa", 10000.0, kRopeBase);
  hparams.local_rope.scaling = RopeScaling::kNone;
  hparams.local_rope.factor = 1.0;
  const std::vector<bool> windowed = windowed_layers(file, keys, hparams.layers);
  for (std::size_t i = 0; i < hparams.layers; ++i) hparams.windows[i] = windowed[i] ? hparams.sliding_window : 0;
}

}  // namespace pith::model
