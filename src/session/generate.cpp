#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

#include "base/fail.h"
#include "options/check.h"
#include "options/generate_options.h"
#include "session/ahead.h"
#include "session/session_impl.h"
#include "session/stop_strings.h"
#include "session/token_scores.h"

namespace pith::inline v0_1 {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void check_options(const GenerateOptions& options, int vocab) {
  options::checked(options);
  session::check_top("logprobs", options.logprobs, -1, vocab);
  for (const Token token : options.stop_tokens) {
    if (token < 0 || token >= vocab)
      fail(ErrorKind::kInvalidArgument, "a stop token is {}, allowed are 0 to {}", token, vocab - 1);
  }
}

/// One call of generate(), from the prompt's logits on.
class Generator {
 public:
  Generator(Session::Impl& session, const GenerateOptions& options, const PieceSink& on_piece,
            const std::stop_token& stop, bool at_start, Generation& result)
      : session_(session),
        options_(options),
        on_piece_(on_piece),
        stop_(stop),
        stops_(options.stop),
        decoder_(session.model_.tokenizer(), false, at_start),
        ahead_(session, static_cast<std::size_t>(options.lookup_tokens)),
        result_(result) {}

  void run() {
    std::optional<FinishReason> reason;
    try {
      while (!reason) reason = next();
    } catch (...) {
      // What was guessed does not stay, whatever a callback throws.
      ahead_.settle();
      throw;
    }
    ahead_.settle();
    result_.reason = *reason;
    result_.lookup_proposed = ahead_.proposed();
    result_.lookup_accepted = ahead_.accepted();
    if (*reason != FinishReason::kStop && *reason != FinishReason::kCancelled) hand_out(stops_.finish());
  }

 private:
  std::optional<FinishReason> next() {
    if (stop_.stop_requested()) return FinishReason::kCancelled;
    const auto drawn = static_cast<int>(result_.tokens.size());
    if (options_.tokens_max >= 0 && drawn >= options_.tokens_max) return FinishReason::kLength;
    const Token token = draw();
    if (ends(token)) return FinishReason::kEnd;
    result_.tokens.push_back(token);
    if (!hand_out(stops_.push(decoder_.push(token)))) return FinishReason::kCancelled;
    if (stops_.stopped()) return FinishReason::kStop;
    if (!session_.streams() && ahead_.tokens().size() >= static_cast<std::size_t>(session_.context_)) {
      if (options_.shift_keep < 0) return FinishReason::kContext;
      shift(static_cast<std::size_t>(options_.shift_keep));
    }
    ahead_.feed(token, options_.tokens_max < 0 ? std::numeric_limits<int>::max() : options_.tokens_max - drawn - 1);
    return std::nullopt;
  }

  /// Makes room in a full context.
  void shift(std::size_t keep) {
    ahead_.settle();
    const std::size_t others = session_.state_.tokens.size() - keep;
    session_.drop(keep, std::max<std::size_t>(others / 2, 1));
  }

  bool ends(Token token) const {
    if (std::find(options_.stop_tokens.begin(), options_.stop_tokens.end(), token) != options_.stop_tokens.end())
      return true;
    return !options_.ignore_end && session_.model_.tokenizer().is_end_of_generation(token);
  }

  Token draw() {
    std::span<const float> logits = session_.vocab_logits(ahead_.logits());
    const std::span<const float> raw = logits;
    const bool too_early = static_cast<int>(result_.tokens.size()) < options_.tokens_min;
    if (options_.on_logits || too_early) {
      changed_.assign(logits.begin(), logits.end());
      if (too_early) ban_ends();
      if (options_.on_logits) options_.on_logits(ahead_.tokens(), changed_);
      logits = changed_;
    }
    const Token token = session_.state_.sampler.sample_masked(logits, ahead_.tokens());
    if (options_.logprobs >= 0 && !ends(token))
      result_.scores.push_back(session::score_token(raw, token, options_.logprobs));
    return token;
  }

  void ban_ends() {
    if (ends_.empty()) {
      for (Token token = 0; static_cast<std::size_t>(token) < changed_.size(); ++token) {
        if (ends(token)) ends_.push_back(token);
      }
    }
    for (const Token token : ends_) changed_[static_cast<std::size_t>(token)] = -std::numeric_limits<float>::infinity();
  }

  /// False once the caller wants no more.
  bool hand_out(std::string_view piece) {
    result_.text += piece;
    return piece.empty() || !on_piece_ || on_piece_(piece);
  }

  Session::Impl& session_;
  const GenerateOptions& options_;
  const PieceSink& on_piece_;
  const std::stop_token& stop_;
  session::StopStrings stops_;
  StreamDecoder decoder_;
  session::Ahead ahead_;
  Generation& result_;
  std::vector<float> changed_;  ///< Logits that a hook or tokens_min changes.
  std::vector<Token> ends_;
};

}  // namespace

const char* to_string(FinishReason reason) noexcept {
  switch (reason) {
    case FinishReason::kEnd:
      return "end";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContext:
      return "context";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kCancelled:
      return "cancelled";
  }
  return "unknown";
}

Generation Session::Impl::generate(std::span<const Token> prompt, const GenerateOptions& options,
                                   const PieceSink& on_piece, const std::stop_token& stop) {
  Generation result;
  check_options(options, model_.tokenizer().vocab_size());
  if (options.shift_keep > context_ / 2) {
    fail(ErrorKind::kInvalidArgument, "shift_keep is {}, must be at most {}, half of the context", options.shift_keep,
         context_ / 2);
  }
  if (!options.keep_sampler) state_.sampler = Sampler(options.sampling, model_.tokenizer().vocab_size());
  if (prompt.empty() && state_.tokens.empty()) {
    fail(ErrorKind::kInvalidArgument, "the prompt is empty, and so is the session: there is nothing to go on from");
  }
  // What follows on a prompt keeps the space that begins it.
  const bool at_start = state_.tokens.empty() && prompt.empty();
  Generator generator(*this, options, on_piece, stop, at_start, result);

  auto start = std::chrono::steady_clock::now();
  const std::size_t before = state_.tokens.size();
  if (prompt.size() < 2) check_pages();
  const bool fed = feed(prompt, stop);
  result.prompt_tokens = static_cast<int>(state_.tokens.size() - before);
  result.prompt_seconds = seconds_since(start);
  if (!fed) {
    result.reason = FinishReason::kCancelled;
    return result;
  }
  if (stored_.on() && !prompt.empty()) mark();
  start = std::chrono::steady_clock::now();
  generator.run();
  result.decode_seconds = seconds_since(start);
  return result;
}

}  // namespace pith::inline v0_1
