#include <algorithm>

#include "session/stages/stage.h"

namespace pith {
namespace {

class NoRepeatNgram final : public session::StageOf<NoRepeatNgram> {
 public:
  explicit NoRepeatNgram(int length)
      : length_(static_cast<std::size_t>(options::checked<&SamplingOptions::no_repeat_ngram>(length))) {}
  std::string_view name() const override { return "no_repeat_ngram"; }

  void apply(Candidates& candidates, const SamplingContext& context) override {
    const std::span<const Token> history = context.history;
    if (length_ == 0 || history.size() < length_) return;
    const std::size_t before = length_ - 1;
    const std::span<const Token> newest = history.last(before);
    for (std::size_t i = 0; i + before < history.size(); ++i) {
      const Token next = history[i + before];
      if (session::is_within(next, candidates.vocab()) && std::equal(newest.begin(), newest.end(), &history[i]))
        candidates.set_logit(next, -std::numeric_limits<float>::infinity());
    }
  }

 private:
  std::size_t length_;
};

}  // namespace

stages::Stage stages::no_repeat_ngram(int length) { return std::make_shared<NoRepeatNgram>(length); }

}  // namespace pith
