#include <algorithm>
#include <optional>
#include <utility>

#include "base/fail.h"
#include "base/printable.h"
#include "session/chat_impl.h"
#include "session/chat_turns.h"

namespace pith {

RenderedChat Chat::Impl::rendered(std::span<const ChatMessage> messages) const {
  RenderedChat chat = template_.render_marked(messages, true, options_.inputs);
  if (options_.parse_special) return chat;
  const Tokenizer& tokenizer = session_->model().tokenizer();
  for (const std::string& text : chat.unplaced) {
    const auto encoded = [&](bool special) {
      return tokenizer.encode(text, EncodeOptions{.add_special = false, .parse_special = special});
    };
    if (encoded(true) != encoded(false)) {
      fail(ErrorKind::kInvalidArgument,
           "chat: \"{}\" spells a special token, and the model's template does not show where it writes this text",
           printable(text));
    }
  }
  return chat;
}

session::Transcript Chat::Impl::transcript_of(std::span<const ChatMessage> messages) const {
  return transcript_.adapted(session_->model().tokenizer(), rendered(messages), options_.parse_special);
}

std::size_t Chat::Impl::reserve(const GenerateOptions& options) const {
  if (options_.reserve > 0) return static_cast<std::size_t>(options_.reserve);
  const std::size_t quarter = static_cast<std::size_t>(session_->context()) / 4;
  return options.tokens_max < 0 ? quarter : std::min(static_cast<std::size_t>(options.tokens_max), quarter);
}

Chat::Impl::Plan Chat::Impl::fitted(std::vector<ChatMessage> messages, const GenerateOptions& options) const {
  session::Transcript transcript = transcript_of(messages);
  Plan plan = {std::move(messages), std::move(transcript)};
  if (session_->evicts()) return plan;
  const auto context = static_cast<std::size_t>(session_->context());
  const bool drops = options_.overflow == ChatOverflow::kDropOldest || options_.overflow == ChatOverflow::kShift;
  if (drops) {
    const std::size_t room = context - std::min(reserve(options), context);
    const auto share = static_cast<std::size_t>(options_.keep_share * static_cast<double>(context));
    if (plan.transcript.tokens().size() > room) plan = without_old_turns(plan.messages, std::min(room, share));
    if (options_.overflow == ChatOverflow::kShift && plan.dropped != 0) shift(plan);
  }
  if (const std::size_t tokens = plan.transcript.tokens().size(); tokens > context) {
    fail(ErrorKind::kContextFull, "the conversation of {} messages takes {} tokens{}, the context is {}",
         plan.messages.size(), tokens, drops ? " with nothing left to drop" : "", context);
  }
  return plan;
}

void Chat::Impl::shift(Plan& plan) const {
  // The plan's messages are those of the conversation so far, without some, and a new one or more.
  const session::Turns all = session::droppable_turns(messages_, options_.keep_messages);
  std::vector<ChatMessage> kept(messages_);
  const auto gone = kept.begin() + static_cast<std::ptrdiff_t>(std::min(all.first, kept.size()));
  if (static_cast<std::size_t>(kept.end() - gone) < plan.dropped) return;
  kept.erase(gone, gone + static_cast<std::ptrdiff_t>(plan.dropped));
  const std::size_t before = template_.render(messages_, false, options_.inputs).size();
  const std::size_t after = template_.render(kept, false, options_.inputs).size();
  if (after >= before) return;
  const Tokenizer& tokenizer = session_->model().tokenizer();
  const RenderedChat chat = rendered(plan.messages);
  std::optional<session::Transcript::Shortened> shortened = transcript_.without(tokenizer, chat, before - after);
  if (!shortened) return;
  const std::span<const Token> held = session_->tokens();
  const std::size_t end = shortened->first + shortened->count;
  // What a failure took from the session is not there to be kept.
  if (held.size() < end || !std::ranges::equal(held.first(end), transcript_.tokens().first(end))) return;
  plan.transcript = shortened->transcript.adapted(tokenizer, chat, options_.parse_special);
  plan.first = shortened->first;
  plan.count = shortened->count;
}

bool Chat::Impl::drop(const Plan& plan) {
  try {
    session_->drop(static_cast<int>(plan.first), static_cast<int>(plan.count));
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kUnsupported) throw;
    return false;
  }
}

/// As few turns as do, found by halving: each try encodes what is left.
Chat::Impl::Plan Chat::Impl::without_old_turns(const std::vector<ChatMessage>& messages,
                                               std::size_t tokens_most) const {
  const session::Turns all = session::droppable_turns(messages, options_.keep_messages);
  const auto without = [&](std::size_t turns) {
    std::vector<ChatMessage> kept = session::without_oldest(messages, all, turns);
    session::Transcript transcript = transcript_of(kept);
    const std::size_t dropped = messages.size() - kept.size();
    return Plan{std::move(kept), std::move(transcript), dropped};
  };
  std::size_t too_few = 0;
  std::size_t turns = all.ends.size();
  Plan best = without(turns);
  while (turns - too_few > 1) {
    const std::size_t middle = too_few + (turns - too_few) / 2;
    Plan plan = without(middle);
    if (plan.transcript.tokens().size() <= tokens_most) {
      turns = middle;
      best = std::move(plan);
    } else {
      too_few = middle;
    }
  }
  return best;
}

}  // namespace pith
