#pragma once

#include <pith/options.h>

#include <cstdint>
#include <span>
#include <vector>

namespace pith::session {

/// The penalties of SamplingOptions: repetition (Keskar et al., 1909.05858), presence and frequency. Keeps its buffers
/// between calls. Not thread-safe.
class Penalties {
 public:
  /// Options must be in range.
  Penalties(const SamplingOptions& options, int vocab);

  /// False if no logit would change.
  bool active() const noexcept { return active_; }

  /// logits: [vocab], changed in place. history: all tokens, oldest first; of it the window counts.
  void apply(std::span<float> logits, std::span<const Token> history);

 private:
  /// Fills counts_ and seen_ for the newest tokens of the window.
  void count(std::span<const Token> history);

  float repetition_;
  float presence_;
  float frequency_;
  int window_;
  bool active_;
  /// How often each token occurs in the window; all zero between calls. [vocab], empty if not active.
  std::vector<std::uint32_t> counts_;
  /// The different tokens of the window.
  std::vector<Token> seen_;
};

}  // namespace pith::session
