#include "model/specification.h"

#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <type_traits>

namespace pith::model {
namespace {

// No default: the compiler names a value that is missing here.

const char* name_of(RopePairs pairs) {
  switch (pairs) {
    case RopePairs::kInterleaved:
      return "interleaved";
    case RopePairs::kHalfSplit:
      return "half-split";
  }
  return "";
}

const char* name_of(RopeScaling scaling) {
  switch (scaling) {
    case RopeScaling::kNone:
      return "none";
    case RopeScaling::kLinear:
      return "linear";
    case RopeScaling::kYarn:
      return "yarn";
  }
  return "";
}

const char* name_of(RopeFactors factors) {
  switch (factors) {
    case RopeFactors::kNone:
      return "none";
    case RopeFactors::kShort:
      return "short";
    case RopeFactors::kLong:
      return "long";
  }
  return "";
}

const char* name_of(NormExtent extent) {
  switch (extent) {
    case NormExtent::kHead:
      return "head";
    case NormExtent::kHeads:
      return "heads";
    case NormExtent::kWhole:
      return "whole";
  }
  return "";
}

const char* name_of(ExpertGating gating) {
  switch (gating) {
    case ExpertGating::kSoftmax:
      return "softmax";
    case ExpertGating::kSigmoid:
      return "sigmoid";
    case ExpertGating::kSoftmaxOfChosen:
      return "softmax-of-chosen";
  }
  return "";
}

const char* name_of(Recurrence kind) {
  switch (kind) {
    case Recurrence::kNone:
      return "none";
    case Recurrence::kShortConvolution:
      return "short-convolution";
    case Recurrence::kDeltaRule:
      return "delta-rule";
    case Recurrence::kStateSpace:
      return "state-space";
  }
  return "";
}

const char* name_of(KeyHeads reads) {
  switch (reads) {
    case KeyHeads::kBlocks:
      return "blocks";
    case KeyHeads::kCyclic:
      return "cyclic";
  }
  return "";
}

const char* name_of(NormKind kind) {
  switch (kind) {
    case NormKind::kNone:
      return "none";
    case NormKind::kRms:
      return "rms";
    case NormKind::kLayer:
      return "layer";
  }
  return "";
}

const char* name_of(Activation activation) {
  switch (activation) {
    case Activation::kSilu:
      return "silu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kSquaredRelu:
      return "squared-relu";
    case Activation::kClampedSwiglu:
      return "clamped-swiglu";
  }
  return "";
}

const char* name_of(Residual residual) {
  switch (residual) {
    case Residual::kSerial:
      return "serial";
    case Residual::kParallel:
      return "parallel";
  }
  return "";
}

/// Returns the double that reads as the float does: 0.1 and not 0.10000000149.
double as_written(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

template <typename Value>
PropertyValue property_value(const Value& value) {
  if constexpr (std::is_enum_v<Value>) {
    return std::string(name_of(value));
  } else if constexpr (std::is_same_v<Value, float>) {
    return as_written(value);
  } else if constexpr (std::is_same_v<Value, std::size_t>) {
    return std::uint64_t{value};
  } else {
    return value;
  }
}

}  // namespace

std::vector<ModelProperty> specification(const ModelSpec& spec) {
  std::vector<ModelProperty> properties;
  for_each_leaf(spec, [&](const std::string& path, const auto& value) {
    properties.push_back({path, property_value(value)});
  });
  return properties;
}

}  // namespace pith::model
