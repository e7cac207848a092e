#include "session/ahead.h"

#include <algorithm>
#include <utility>

#include "kv/layout/layout.h"
#include "session/prompt_lookup.h"

namespace pith::session {

std::size_t Ahead::room(int left) const {
  if (guesses_ == 0 || left <= 0 || !session_.takes_back_open_tokens()) return 0;
  const std::size_t held = session_.state_.tokens.size();
  // The token itself and all guesses leave the page unfinished: a page that is complete is compressed.
  const std::size_t to_page_end = kv::kPageTokens - session_.state_.position() % kv::kPageTokens;
  const std::size_t to_context_end = static_cast<std::size_t>(session_.context_) - held;
  const std::size_t free = std::min(to_page_end - 1, to_context_end);
  return std::min({guesses_, static_cast<std::size_t>(left), free > 0 ? free - 1 : 0});
}

void Ahead::feed(Token token, int left) {
  if (used_ < rows_.size() && session_.state_.tokens[position()] == token) {
    ++used_;
    ++accepted_;
    return;
  }
  settle();
  std::vector<Token> batch = {token};
  if (const std::size_t count = room(left); count > 0) {
    const std::vector<Token> guess = look_up(session_.state_.tokens, token, count);
    batch.insert(batch.end(), guess.begin(), guess.end());
  }
  if (batch.size() == 1) {
    session_.feed(batch, std::stop_token{});
    return;
  }
  proposed_ += static_cast<int>(batch.size()) - 1;
  std::vector<std::vector<float>> rows;
  FeedSinks sinks;
  sinks.logits = [&](int, std::span<const float> logits) { rows.emplace_back(logits.begin(), logits.end()); };
  session_.feed(batch, std::stop_token{}, sinks);
  rows.pop_back();
  rows_ = std::move(rows);
}

void Ahead::settle() {
  if (used_ < rows_.size()) session_.take_back(position(), std::move(rows_[used_]));
  rows_.clear();
  used_ = 0;
}

}  // namespace pith::session
