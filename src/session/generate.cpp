#include <chrono>
#include <optional>

#include "base/fail.h"
#include "session/session_impl.h"
#include "session/stop_strings.h"

namespace pith::inline v0_1 {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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

Generation Session::Impl::generate(std::string_view prompt, const GenerateOptions& options, const PieceSink& on_piece,
                                   const std::stop_token& stop) {
  Generation result;
  if (!options.keep_sampler) sampler_ = session::Sampler(options.sampling, model_.tokenizer().vocab_size());
  session::StopStrings stops(options.stop);
  const std::vector<Token> prompt_tokens = encode(prompt, options.parse_special);
  result.prompt_tokens = static_cast<int>(prompt_tokens.size());
  if (prompt_tokens.empty() && tokens_.empty()) {
    fail(ErrorKind::kInvalidArgument, "the prompt is empty, and so is the session: there is nothing to go on from");
  }
  // What follows on a prompt keeps the space that begins it.
  StreamDecoder decoder(model_.tokenizer(), false, tokens_.empty() && prompt_tokens.empty());

  auto start = std::chrono::steady_clock::now();
  if (prompt_tokens.size() < 2) check_pages();
  const bool fed = feed(prompt_tokens, stop);
  result.prompt_seconds = seconds_since(start);
  if (!fed) {
    result.reason = FinishReason::kCancelled;
    return result;
  }
  // False once the caller wants no more.
  const auto hand_out = [&](std::string_view piece) {
    result.text += piece;
    return piece.empty() || !on_piece || on_piece(piece);
  };
  const auto next = [&]() -> std::optional<FinishReason> {
    if (stop.stop_requested()) return FinishReason::kCancelled;
    if (static_cast<int>(result.tokens.size()) >= options.tokens_max) return FinishReason::kLength;
    const Token token = sample();
    if (!options.ignore_end && model_.tokenizer().is_end_of_generation(token)) return FinishReason::kEnd;
    result.tokens.push_back(token);
    if (!hand_out(stops.push(decoder.push(token)))) return FinishReason::kCancelled;
    if (stops.stopped()) return FinishReason::kStop;
    if (!streams() && static_cast<int>(tokens_.size()) >= context_) return FinishReason::kContext;
    feed(std::span(&token, 1), std::stop_token{});
    return std::nullopt;
  };
  start = std::chrono::steady_clock::now();
  std::optional<FinishReason> reason;
  while (!reason) reason = next();
  result.reason = *reason;
  result.decode_seconds = seconds_since(start);
  if (*reason != FinishReason::kStop && *reason != FinishReason::kCancelled) hand_out(stops.finish());
  return result;
}

}  // namespace pith::inline v0_1
