#include "session/chat_impl.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/fail.h"
#include "options/chat_options.h"
#include "options/check.h"

namespace pith {
namespace {

void check(const ChatOptions& options, const Session& session) {
  options::checked(options, "chat: ");
  if (options.prefix_tokens < -1 || options.prefix_tokens > session.position()) {
    fail(ErrorKind::kInvalidArgument, "chat: prefix_tokens is {}, the session holds {} (-1: all)",
         options.prefix_tokens, session.position());
  }
  if (options.overflow == ChatOverflow::kEvict && !session.evicts()) {
    fail(ErrorKind::kInvalidArgument, "chat: the session is to evict, but has no eviction policy with a budget");
  }
}

std::vector<Token> prefix(const Session& session, int tokens) {
  const std::span<const Token> held = session.tokens();
  const auto kept = held.first(tokens < 0 ? held.size() : std::min(static_cast<std::size_t>(tokens), held.size()));
  return {kept.begin(), kept.end()};
}

/// Whether the session can draw the next token. A use that failed may have left it without logits.
bool has_logits(const Session& session) {
  try {
    return !session.logits().empty();
  } catch (const Error&) {
    return false;
  }
}

void check_answerable(const std::vector<ChatMessage>& messages) {
  const bool only_system = messages.size() == 1 && messages.front().role == "system";
  if (messages.empty() || only_system) {
    fail(ErrorKind::kInvalidArgument, "chat: there is no message to reply to");
  }
  if (messages.back().role == "assistant") {
    fail(ErrorKind::kInvalidArgument, "chat: the last message, {}, is the assistant's already", messages.size() - 1);
  }
}

}  // namespace

Chat::Impl::Impl(Session& session, ChatOptions options)
    : session_(&session),
      template_(session.model().chat_template()),
      options_(std::move(options)),
      transcript_(prefix(session, options_.prefix_tokens)) {
  if (template_.format() == ChatFormat::kNone) {
    // An unusable template says what is wrong with it.
    if (template_.is_jinja()) template_.render({}, false);
    fail(ErrorKind::kUnsupported, "the model has no chat format that pith knows (tokenizer.chat_template)");
  }
  check(options_, session);
  std::vector<ChatMessage> messages = std::move(options_.messages);
  if (!options_.system.empty()) messages.insert(messages.begin(), {"system", options_.system});
  set_messages(std::move(messages));
}

void Chat::Impl::set_messages(std::vector<ChatMessage> messages) {
  template_.render(messages, false, options_.inputs);
  messages_ = std::move(messages);
}

Generation Chat::Impl::reply(std::vector<ChatMessage> messages, const GenerateOptions& options,
                             const PieceSink& on_piece, const std::stop_token& stop) {
  check_answerable(messages);
  Plan plan = fitted(std::move(messages), options);
  const bool failed_before = std::exchange(failed_, true);
  const auto start = std::chrono::steady_clock::now();
  if (plan.count != 0 && !drop(plan)) plan.transcript = transcript_of(plan.messages);
  const Fed fed = feed_missing(plan.transcript.tokens(), failed_before, stop);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Generation generation;
  generation.reason = FinishReason::kCancelled;
  if (session_->tokens().size() == plan.transcript.tokens().size()) {
    session_->mark();
    generation = session_->generate("", options, on_piece, stop);
    session_->mark();
  }
  failed_ = false;
  generation.prompt_tokens = fed.tokens;
  generation.recomputed_tokens = fed.recomputed;
  generation.prompt_seconds = seconds;
  if (generation.reason == FinishReason::kCancelled && generation.tokens.empty()) return generation;

  plan.messages.push_back({"assistant", generation.text});
  plan.transcript.append_reply(session_->model().tokenizer(), template_, plan.messages, options_.inputs,
                               generation.tokens);
  messages_ = std::move(plan.messages);
  transcript_ = std::move(plan.transcript);
  dropped_ += plan.dropped;
  return generation;
}

Chat::Impl::Fed Chat::Impl::feed_missing(std::span<const Token> wanted, bool failed_before,
                                         const std::stop_token& stop) {
  const std::span<const Token> held = session_->tokens();
  const auto common = static_cast<std::size_t>(
      std::mismatch(held.begin(), held.end(), wanted.begin(), wanted.end()).first - held.begin());
  Fed fed;
  if (common < held.size() || (failed_before && !has_logits(*session_))) fed.recomputed = go_back(common);
  const std::size_t before = session_->tokens().size();
  if (before < wanted.size()) session_->feed(wanted.subspan(before), stop);
  fed.tokens = static_cast<int>(session_->tokens().size() - before);
  return fed;
}

int Chat::Impl::go_back(std::size_t tokens) {
  if (tokens != 0) {
    try {
      return session_->truncate(static_cast<int>(tokens));
    } catch (const Error& error) {
      // compact() has evicted what would be needed, or logits that nobody needs are not finite.
      if (error.kind() != ErrorKind::kInvalidArgument && error.kind() != ErrorKind::kNumeric) throw;
    }
  }
  session_->reset();
  return 0;
}

}  // namespace pith
