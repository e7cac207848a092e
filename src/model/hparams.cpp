#include "model/hparams.h"

#include <cmath>
#include <cstdint>

#include "base/fail.h"
#include "base/printable.h"
#include "model/arch/arch.h"
#include "model/keys.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kLayersMax = 1024;
constexpr std::uint64_t kDimensionMax = 1U << 20;
constexpr std::uint64_t kVocabMax = 1U << 24;
constexpr std::uint64_t kHeadSizeMax = 512;
constexpr std::uint64_t kHeadMultiple = 16;
// Wider than the values of any model, but narrow enough that nothing computed from them leaves float's range.
constexpr Range kNormEps = {1e-12, 1.0};
constexpr Range kScalingFactor = {1e-3, 1e6};
constexpr Range kYarnTurns = {1e-3, 1e6};
constexpr Range kYarnMagnitude = {1e-3, 1e3};

void check_experts(const gguf::File& file, const Keys& keys) {
  const std::string key = keys.name_of("expert_count");
  const std::uint64_t experts = file.metadata().get<std::uint64_t>(key).value_or(0);
  if (experts == 0) return;
  fail(ErrorKind::kUnsupported, "{}: {} is {}, must be 0: mixtures of experts are not supported", file.path(), key,
       experts);
}

void check_causal(const gguf::File& file, const Keys& keys) {
  const std::string key = keys.name_of("attention.causal");
  if (file.metadata().get<bool>(key).value_or(true)) return;
  fail(ErrorKind::kUnsupported, "{}: {} is false, must be true: models that look ahead are not supported", file.path(),
       key);
}

void read_heads(const gguf::File& file, const Keys& keys, Hparams& h) {
  h.heads = keys.count_by_layer("attention.head_count", h.layers, kDimensionMax);
  h.kv_heads = keys.has("attention.head_count_kv")
                   ? keys.count_by_layer("attention.head_count_kv", h.layers, kDimensionMax)
                   : h.heads;
  if (h.heads % h.kv_heads != 0) {
    fail(ErrorKind::kFormat, "{}: {}.attention.head_count is {}, must be a multiple of attention.head_count_kv {}",
         file.path(), h.architecture, h.heads, h.kv_heads);
  }
}

std::size_t head_size(const gguf::File& file, const Keys& keys, const Hparams& h, std::string_view name) {
  if (!keys.has(name) && h.embedding % h.heads != 0) {
    fail(ErrorKind::kFormat, "{}: {}.attention.head_count is {}, must divide embedding_length {} where {} is absent",
         file.path(), h.architecture, h.heads, h.embedding, name);
  }
  const std::size_t size = keys.count_or(name, h.embedding / h.heads, kDimensionMax);
  if (size % kHeadMultiple != 0 || size > kHeadSizeMax) {
    fail(ErrorKind::kUnsupported, "{}: {}.{} is {}, must be a multiple of {} up to {}", file.path(), h.architecture,
         name, size, kHeadMultiple, kHeadSizeMax);
  }
  return size;
}

void read_yarn(const gguf::File& file, const Keys& keys, RopeParams& rope) {
  rope.scaling = RopeScaling::kYarn;
  rope.beta_fast = keys.real_or("rope.scaling.yarn_beta_fast", 32.0, kYarnTurns);
  rope.beta_slow = keys.real_or("rope.scaling.yarn_beta_slow", 1.0, kYarnTurns);
  rope.attention_factor = keys.real_or("rope.scaling.attn_factor", 1.0, kYarnMagnitude);
  if (rope.beta_fast < rope.beta_slow) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must not be below yarn_beta_slow {}", file.path(),
         keys.name_of("rope.scaling.yarn_beta_fast"), rope.beta_fast, rope.beta_slow);
  }
}

RopeParams read_rope(const gguf::File& file, const Keys& keys, const Hparams& h) {
  RopeParams rope;
  rope.dims = keys.count_or("rope.dimension_count", h.key_size, kDimensionMax);
  if (rope.dims % 2 != 0 || rope.dims > h.key_size) {
    fail(ErrorKind::kFormat, "{}: {}.rope.dimension_count is {}, must be even and at most the head size {}",
         file.path(), h.architecture, rope.dims, h.key_size);
  }
  rope.base = keys.real_or("rope.freq_base", 10000.0, kRopeBase);
  rope.factor =
      keys.real_or("rope.scaling.factor", keys.real_or("rope.scale_linear", 1.0, kScalingFactor), kScalingFactor);
  const std::string_view type = keys.text_or("rope.scaling.type", "linear");
  if (type == "none") {
    rope.factor = 1.0;
  } else if (type == "linear") {
    rope.scaling = rope.factor == 1.0 ? RopeScaling::kNone : RopeScaling::kLinear;
  } else if (type == "yarn") {
    read_yarn(file, keys, rope);
  } else {
    fail(ErrorKind::kUnsupported, "{}: {}.rope.scaling.type is \"{}\"; known are none, linear, yarn", file.path(),
         h.architecture, printable(type));
  }
  rope.original_context =
      static_cast<double>(keys.count_or("rope.scaling.original_context_length", h.context_trained, kContextMax));
  return rope;
}

std::size_t read_vocab_size(const gguf::File& file, const Keys& keys) {
  const std::uint64_t rows = file.require("token_embd.weight").rows();
  if (rows > kVocabMax) {
    fail(ErrorKind::kFormat, "{}: token_embd.weight has {} rows, at most {} are allowed", file.path(), rows, kVocabMax);
  }
  // Checks the stated size. The matrix may have more rows, which are padding.
  keys.count_or("vocab_size", rows, rows);
  return static_cast<std::size_t>(rows);
}

}  // namespace

Hparams read_hparams(const gguf::File& file) {
  Hparams h;
  h.architecture = std::string(file.metadata().require<std::string_view>("general.architecture"));
  const Architecture& architecture = find_architecture(file, h.architecture);
  const Keys keys(file, h.architecture);
  check_experts(file, keys);
  check_causal(file, keys);
  h.layers = keys.count("block_count", kLayersMax);
  h.embedding = keys.count("embedding_length", kDimensionMax);
  read_heads(file, keys, h);
  h.key_size = head_size(file, keys, h, "attention.key_length");
  h.value_size = head_size(file, keys, h, "attention.value_length");
  h.feed_forward = keys.count_by_layer("feed_forward_length", h.layers, kDimensionMax);
  h.context_trained = keys.count("context_length", kContextMax);
  h.vocab = read_vocab_size(file, keys);
  h.norm_eps = static_cast<float>(keys.real("attention.layer_norm_rms_epsilon", kNormEps));
  h.attention_scale = 1.0F / std::sqrt(static_cast<float>(h.key_size));
  h.rope = read_rope(file, keys, h);
  h.local_rope = h.rope;
  h.windows.assign(h.layers, 0);
  architecture.adapt(file, h);
  h.local_rope.pairs = h.rope.pairs;
  return h;
}

}  // namespace pith::model
