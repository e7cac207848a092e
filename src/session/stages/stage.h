#pragma once

#include <pith/sampler_stage.h>

#include <memory>
#include <vector>

#include "base/fail.h"
#include "options/check.h"
#include "options/sampling_options.h"

namespace pith::session {

/// A stage that is cloned by its copy constructor.
template <typename Derived>
class StageOf : public SamplerStage {
 public:
  std::unique_ptr<SamplerStage> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }
};

/// Returns the bytes that a vector has allocated.
template <typename T>
std::size_t vector_bytes(const std::vector<T>& vector) noexcept {
  return vector.capacity() * sizeof(T);
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
