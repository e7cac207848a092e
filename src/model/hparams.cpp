#include "model/hparams.h"

#include <cmath>
#include <cstdint>

#include "base/fail.h"
#include "model/arch/arch.h"

namespace pith::model {
namespace {

constexpr std::uint64_t kLayersMax = 1024;
constexpr std::uint64_t kDimensionMax = 1U << 20;
constexpr std::uint64_t kVocabMax = 1U << 24;
constexpr std::uint64_t kContextMax = std::uint64_t{1} << 30;
constexpr std::uint64_t kHeadSizeMax = 512;
constexpr std::uint64_t kHeadMultiple = 16;

/// Keys of one architecture ("llama.block_count"), checked as they are read.
class Keys {
 public:
  Keys(const gguf::File& file, std::string_view architecture)
      : file_(&file), prefix_(std::string(architecture) + ".") {}

  std::size_t count(std::string_view name, std::uint64_t max) const {
    const std::string key = prefix_ + std::string(name);
    return in_range(key, read(key), max);
  }

  std::size_t count_or(std::string_view name, std::uint64_t fallback, std::uint64_t max) const {
    const std::string key = prefix_ + std::string(name);
    return file_->metadata().has(key) ? in_range(key, read(key), max) : static_cast<std::size_t>(fallback);
  }

  /// A finite number above zero.
  double positive_or(std::string_view name, double fallback) const {
    const std::string key = prefix_ + std::string(name);
    const double value = file_->metadata().get<double>(key).value_or(fallback);
    if (!std::isfinite(value) || value <= 0.0)
      fail(ErrorKind::kFormat, "{}: {} is {}, must be finite and above 0", file_->path(), key, value);
    return value;
  }

  std::string_view text_or(std::string_view name, std::string_view fallback) const {
    return file_->metadata().get<std::string_view>(prefix_ + std::string(name)).value_or(fallback);
  }

  bool has(std::string_view name) const { return file_->metadata().has(prefix_ + std::string(name)); }

 private:
  /// A number, or an array of equal numbers (some files state heads by layer).
  std::uint64_t read(const std::string& key) const {
    const gguf::Metadata& metadata = file_->metadata();
    if (!metadata.is_array(key)) return metadata.require<std::uint64_t>(key);
    const std::vector<std::int64_t> values = metadata.integers(key);
    for (const std::int64_t value : values) {
      if (value != values.front()) {
        fail(ErrorKind::kUnsupported, "{}: {} differs by layer ({} and {})", file_->path(), key, values.front(), value);
      }
    }
    if (values.empty() || values.front() < 0) fail(ErrorKind::kFormat, "{}: {} is no count", file_->path(), key);
    return static_cast<std::uint64_t>(values.front());
  }

  std::size_t in_range(const std::string& key, std::uint64_t value, std::uint64_t max) const {
    if (value == 0 || value > max)
      fail(ErrorKind::kFormat, "{}: {} is {}, allowed are 1 to {}", file_->path(), key, value, max);
    return static_cast<std::size_t>(value);
  }

  const gguf::File* file_;
  std::string prefix_;
};

std::size_t head_size(const gguf::File& file, const Keys& keys, const Hparams& h, std::string_view name) {
  const std::size_t size = keys.count_or(name, h.embedding / h.heads, kDimensionMax);
  if (size % kHeadMultiple != 0 || size > kHeadSizeMax || size == 0) {
    fail(ErrorKind::kUnsupported, "{}: {}.{} is {}, must be a multiple of {} up to {}", file.path(), h.architecture,
         name, size, kHeadMultiple, kHeadSizeMax);
  }
  return size;
}

RopeParams read_rope(const gguf::File& file, const Keys& keys, const Hparams& h) {
  RopeParams rope;
  rope.dims = keys.count_or("rope.dimension_count", h.key_size, kDimensionMax);
  if (rope.dims % 2 != 0 || rope.dims > h.key_size) {
    fail(ErrorKind::kFormat, "{}: {}.rope.dimension_count is {}, must be even and at most the head size {}",
         file.path(), h.architecture, rope.dims, h.key_size);
  }
  rope.base = keys.positive_or("rope.freq_base", 10000.0);
  rope.factor = keys.positive_or("rope.scaling.factor", keys.positive_or("rope.scale_linear", 1.0));
  const std::string_view type = keys.text_or("rope.scaling.type", "linear");
  if (type == "none") {
    rope.factor = 1.0;
  } else if (type == "linear") {
    rope.scaling = rope.factor == 1.0 ? RopeScaling::kNone : RopeScaling::kLinear;
  } else if (type == "yarn") {
    rope.scaling = RopeScaling::kYarn;
    rope.beta_fast = keys.positive_or("rope.scaling.yarn_beta_fast", 32.0);
    rope.beta_slow = keys.positive_or("rope.scaling.yarn_beta_slow", 1.0);
    rope.attention_factor = keys.positive_or("rope.scaling.attn_factor", 1.0);
  } else {
    fail(ErrorKind::kUnsupported, "{}: {}.rope.scaling.type is \"{}\"; known are none, linear, yarn", file.path(),
         h.architecture, type);
  }
  rope.original_context =
      static_cast<double>(keys.count_or("rope.scaling.original_context_length", h.context_trained, kContextMax));
  return rope;
}

}  // namespace

Hparams read_hparams(const gguf::File& file) {
  Hparams h;
  h.architecture = std::string(file.metadata().require<std::string_view>("general.architecture"));
  const Architecture& architecture = find_architecture(file, h.architecture);
  const Keys keys(file, h.architecture);
  if (keys.has("expert_count") &&
      file.metadata().get<std::uint64_t>(h.architecture + ".expert_count").value_or(0) != 0) {
    fail(ErrorKind::kUnsupported, "{}: {}.expert_count is not 0: mixtures of experts are not supported", file.path(),
         h.architecture);
  }
  h.layers = keys.count("block_count", kLayersMax);
  h.embedding = keys.count("embedding_length", kDimensionMax);
  h.heads = keys.count("attention.head_count", kDimensionMax);
  h.kv_heads = keys.count_or("attention.head_count_kv", h.heads, kDimensionMax);
  if (h.heads % h.kv_heads != 0) {
    fail(ErrorKind::kFormat, "{}: {}.attention.head_count is {}, must be a multiple of attention.head_count_kv {}",
         file.path(), h.architecture, h.heads, h.kv_heads);
  }
  h.key_size = head_size(file, keys, h, "attention.key_length");
  h.value_size = head_size(file, keys, h, "attention.value_length");
  h.feed_forward = keys.count("feed_forward_length", kDimensionMax);
  h.context_trained = keys.count("context_length", kContextMax);
  const gguf::TensorInfo& embeddings = file.require("token_embd.weight");
  h.vocab = static_cast<std::size_t>(embeddings.rows());
  if (h.vocab > kVocabMax) {
    fail(ErrorKind::kFormat, "{}: token_embd.weight has {} rows, at most {} are allowed", file.path(), h.vocab,
         kVocabMax);
  }
  h.norm_eps = static_cast<float>(keys.positive_or("attention.layer_norm_rms_epsilon", 1e-5));
  h.attention_scale = 1.0F / std::sqrt(static_cast<float>(h.key_size));
  h.rope = read_rope(file, keys, h);
  h.local_rope = h.rope;
  h.windows.assign(h.layers, 0);
  architecture.adapt(file, h);
  h.local_rope.pairs = h.rope.pairs;
  return h;
}

}  // namespace pith::model
