#pragma once

#include <pith/sampler_stage.h>

#include <limits>
#include <memory>
#include <vector>

#include "base/fail.h"

namespace pith::session {

/// A stage that is cloned by its copy constructor.
template <typename Derived>
class StageOf : public SamplerStage {
 public:
  std::unique_ptr<SamplerStage> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

inline constexpr float kFloatMax = std::numeric_limits<float>::max();

/// Returns the bytes that a vector has allocated.
template <typename T>
std::size_t vector_bytes(const std::vector<T>& vector) noexcept {
  return vector.capacity() * sizeof(T);
}

/// Returns the value. Throws Error(kInvalidArgument) if it is not in [low, high].
inline float checked_range(const char* name, float value, float low, float high) {
  if (!(value >= low && value <= high))
    fail(ErrorKind::kInvalidArgument, "{} is {}, allowed are {} to {}", name, value, low, high);
  return value;
}

inline int checked_least(const char* name, int value, int least) {
  if (value < least) fail(ErrorKind::kInvalidArgument, "{} is {}, must be at least {}", name, value, least);
  return value;
}

/// Returns the newest tokens that a window means: -1: all.
inline std::span<const Token> newest(std::span<const Token> history, int window) {
  if (window < 0 || history.size() <= static_cast<std::size_t>(window)) return history;
  return history.last(static_cast<std::size_t>(window));
}

inline bool is_within(Token token, std::size_t vocab) noexcept {
  return token >= 0 && static_cast<std::size_t>(token) < vocab;
}

}  // namespace pith::session
