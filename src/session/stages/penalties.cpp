#include <cstdint>
#include <vector>

#include "session/stages/stage.h"

namespace pith {
namespace {

class Penalties final : public session::StageOf<Penalties> {
 public:
  Penalties(float repetition, float presence, float frequency, int window)
      : repetition_(repetition),
        presence_(options::checked<&SamplingOptions::presence_penalty>(presence)),
        frequency_(options::checked<&SamplingOptions::frequency_penalty>(frequency)),
        window_(options::checked<&SamplingOptions::penalty_window>(window)) {
    options::checked<&SamplingOptions::repetition_penalty>(repetition);
  }
  std::string_view name() const override { return "penalties"; }
  std::size_t buffer_bytes() const noexcept override {
    return session::vector_bytes(counts_) + session::vector_bytes(seen_);
  }

  void apply(Candidates& candidates, const SamplingContext& context) override {
    count(session::newest(context.history, window_), candidates.vocab());
    for (const Token token : seen_) {
      float logit = candidates.logit(token);
      logit = logit > 0.0F ? logit / repetition_ : logit * repetition_;
      std::uint32_t& occurred = counts_[static_cast<std::size_t>(token)];
      logit -= presence_ + frequency_ * static_cast<float>(occurred);
      candidates.set_logit(token, logit);
      occurred = 0;
    }
  }

 private:
  /// Fills counts_ and seen_.
  void count(std::span<const Token> tokens, std::size_t vocab) {
    counts_.resize(vocab);
    seen_.clear();
    for (const Token token : tokens) {
      if (!session::is_within(token, vocab)) continue;
      if (counts_[static_cast<std::size_t>(token)]++ == 0) seen_.push_back(token);
    }
  }

  float repetition_;
  float presence_;
  float frequency_;
  int window_;
  /// How often each token occurs in the window; all zero between calls. [vocab], empty before the first.
  std::vector<std::uint32_t> counts_;
  /// The different tokens of the window.
  std::vector<Token> seen_;
};

}  // namespace

stages::Stage stages::penalties(float repetition, float presence, float frequency, int window) {
  return std::make_shared<Penalties>(repetition, presence, frequency, window);
}

}  // namespace pith
