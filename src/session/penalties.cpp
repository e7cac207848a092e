#include "session/penalties.h"

#include <algorithm>

namespace pith::session {

Penalties::Penalties(const SamplingOptions& options, int vocab)
    : repetition_(options.repetition_penalty),
      presence_(options.presence_penalty),
      frequency_(options.frequency_penalty),
      window_(options.penalty_window),
      active_(window_ != 0 && (repetition_ != 1.0F || presence_ != 0.0F || frequency_ != 0.0F)),
      counts_(active_ ? static_cast<std::size_t>(vocab) : 0) {}

void Penalties::count(std::span<const Token> history) {
  seen_.clear();
  if (window_ > 0) history = history.last(std::min(history.size(), static_cast<std::size_t>(window_)));
  for (const Token token : history) {
    if (counts_[static_cast<std::size_t>(token)]++ == 0) seen_.push_back(token);
  }
}

void Penalties::apply(std::span<float> logits, std::span<const Token> history) {
  if (!active_) return;
  count(history);
  for (const Token token : seen_) {
    const auto i = static_cast<std::size_t>(token);
    float& logit = logits[i];
    logit = logit > 0.0F ? logit / repetition_ : logit * repetition_;
    logit -= presence_ + frequency_ * static_cast<float>(counts_[i]);
    counts_[i] = 0;
  }
}

}  // namespace pith::session
