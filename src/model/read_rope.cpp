#include "model/read_rope.h"

#include <cmath>

#include "base/fail.h"
#include "base/printable.h"
#include "options/check.h"
#include "options/model_options.h"

namespace pith::model {
namespace {

// Wider than the values of any model, but narrow enough that nothing computed from them leaves float's range.
constexpr Range kScalingFactor = {1e-3, 1e6};
constexpr Range kYarnTurns = {1e-3, 1e6};
constexpr Range kYarnMagnitude = {1e-3, 1e3};
constexpr std::uint64_t kRopeDimensionMax = 1U << 20;

RopeFactors long_factors(double context, const RopeParams& rope) {
  return context > rope.original_context ? RopeFactors::kLong : RopeFactors::kShort;
}

void read_yarn(const gguf::File& file, const Keys& keys, RopeParams& rope) {
  rope.scaling = RopeScaling::kYarn;
  rope.beta_fast = keys.real_or("rope.scaling.yarn_beta_fast", 32.0, kYarnTurns);
  rope.beta_slow = keys.real_or("rope.scaling.yarn_beta_slow", 1.0, kYarnTurns);
  if (rope.beta_fast < rope.beta_slow) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must not be below yarn_beta_slow {}", file.path(),
         keys.name_of("rope.scaling.yarn_beta_fast"), rope.beta_fast, rope.beta_slow);
  }
}

}  // namespace

RopeParams read_rope(const gguf::File& file, const Keys& keys, std::size_t key_size, std::size_t context_trained) {
  RopeParams rope;
  rope.dims = keys.count_or("rope.dimension_count", key_size, kRopeDimensionMax);
  if (rope.dims % 2 != 0 || rope.dims > key_size) {
    fail(ErrorKind::kFormat, "{}: {} is {}, must be even and at most the head size {}", file.path(),
         keys.name_of("rope.dimension_count"), rope.dims, key_size);
  }
  rope.base = keys.real_or("rope.freq_base", 10000.0, kRopeBase);
  rope.factor =
      keys.real_or("rope.scaling.factor", keys.real_or("rope.scale_linear", 1.0, kScalingFactor), kScalingFactor);
  rope.attention_factor = keys.real_or("rope.scaling.attn_factor", 1.0, kYarnMagnitude);
  const std::string_view type = keys.text_or("rope.scaling.type", "linear");
  if (type == "none") {
    rope.factor = 1.0;
  } else if (type == "linear") {
    rope.scaling = rope.factor == 1.0 ? RopeScaling::kNone : RopeScaling::kLinear;
  } else if (type == "yarn") {
    read_yarn(file, keys, rope);
  } else if (type == "longrope") {
    file.require("rope_factors_long.weight");
  } else {
    fail(ErrorKind::kUnsupported, "{}: {} is \"{}\"; known are none, linear, yarn, longrope", file.path(),
         keys.name_of("rope.scaling.type"), printable(type));
  }
  rope.original_context =
      static_cast<double>(keys.count_or("rope.scaling.original_context_length", context_trained, kContextMax));
  rope.frequency_factors = file.find("rope_freqs.weight") != nullptr;
  if (file.find("rope_factors_long.weight") != nullptr)
    rope.long_factors = long_factors(static_cast<double>(context_trained), rope);
  return rope;
}

void stretch(const gguf::File& file, const RopeOptions& options, RopeParams& rope) {
  options::checked(options, "rope.");
  if (options.base != 0.0) {
    if (!(options.base >= kRopeBase.min)) {
      fail(ErrorKind::kInvalidArgument, "rope.base is {}, allowed are 0 (the file's) and {} to {}", options.base,
           kRopeBase.min, kRopeBase.max);
    }
    rope.base = options.base;
  }
  if (rope.long_factors != RopeFactors::kNone && options.context != 0)
    rope.long_factors = long_factors(options.context, rope);
  if (options.stretch == RopeStretch::kFile) {
    if (options.factor != 1.0) {
      fail(ErrorKind::kInvalidArgument, "rope.factor is {}, but rope.stretch does not say how; {}'s own factor is {}",
           options.factor, file.path(), rope.factor);
    }
    return;
  }
  if (rope.long_factors != RopeFactors::kNone) {
    fail(ErrorKind::kInvalidArgument, "rope.stretch is given, but {} has frequencies of its own for long contexts",
         file.path());
  }
  rope = rope.unscaled();
  switch (options.stretch) {
    case RopeStretch::kFile:
    case RopeStretch::kNone:
      return;
    case RopeStretch::kLinear:
      rope.scaling = RopeScaling::kLinear;
      rope.factor = options.factor;
      return;
    case RopeStretch::kNtk:
      if (rope.dims > 2) {
        const auto dims = static_cast<double>(rope.dims);
        rope.base *= std::pow(options.factor, dims / (dims - 2.0));
      }
      return;
    case RopeStretch::kYarn:
      rope.scaling = RopeScaling::kYarn;
      rope.factor = options.factor;
      return;
  }
}

}  // namespace pith::model
