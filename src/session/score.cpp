#include "base/fail.h"
#include "session/session_impl.h"
#include "session/token_scores.h"

namespace pith {

std::vector<TokenScore> Session::Impl::score(std::span<const Token> tokens, const ScoreOptions& options,
                                             const std::stop_token& stop) {
  session::check_top("top", options.top, 0, model_.tokenizer().vocab_size());
  std::vector<TokenScore> scores;
  if (options.first >= tokens.size()) {
    feed(tokens, stop);
    return scores;
  }
  if (options.first == 0 && state_.tokens.empty()) {
    fail(ErrorKind::kInvalidArgument,
         "token {} is to be scored, but nothing comes before it: feed the BOS token or a prompt first", tokens[0]);
  }
  scores.reserve(tokens.size() - options.first);
  const std::size_t begin = state_.tokens.size();
  const auto add = [&](std::size_t index, std::span<const float> logits) {
    scores.push_back(session::score_token(vocab_logits(logits), tokens[index], options.top));
  };
  if (options.first == 0) {
    // A failure may have left the tokens without their logits.
    if (!whole()) feed({}, stop);
    add(0, logits());
  }
  session::FeedSinks sinks;
  // The logits after a token score the next one; those after the last are what the session goes on from.
  sinks.logits_from = options.first == 0 ? 0 : options.first - 1;
  sinks.logits = [&](int position, std::span<const float> logits) {
    const std::size_t next = static_cast<std::size_t>(position) - begin + 1;
    if (next < tokens.size()) add(next, logits);
  };
  if (!feed(tokens, stop, sinks)) {
    // What the last batch predicts has not been fed.
    const std::size_t fed = state_.tokens.size() - begin;
    scores.resize(fed > options.first ? fed - options.first : 0);
  }
  return scores;
}

}  // namespace pith
