#include <algorithm>
#include <stop_token>
#include <thread>

#include "soak/broken.h"
#include "soak/worker.h"

// Actions that append tokens to a session.
namespace pith::soak {

void Worker::feed(Live& live) {
  const int most = std::min(room(live), live.subject->feed_max);
  if (most == 0) return;
  const std::vector<Token> tokens = any_tokens(dice_, live.subject->model, dice_.between(1, most));
  if (dice_.one_in(4)) {
    int position = live.script.size();
    live.session.feed_logits(tokens, [&](int at, std::span<const float> logits) {
      require(at == position++, "logits of position {}", at);
      require(logits.size() == static_cast<std::size_t>(live.subject->model.info().vocab), "{} logits", logits.size());
    });
    require(position == live.script.size() + static_cast<int>(tokens.size()), "logits end at {}", position);
  } else {
    require(live.session.feed(tokens), "a feed that nobody stopped did not end");
  }
  live.script.feed(tokens);
  counters_.tokens += tokens.size();
}

void Worker::draw(Live& live) {
  if (live.script.size() == 0) return;
  if (dice_.one_in(2)) live.session.set_sampling(any_sampling(dice_));
  const int count = std::min(dice_.between(1, 40), room(live));
  for (int i = 0; i < count; ++i) {
    const Token drawn = live.session.step();
    require(drawn >= 0 && drawn < live.subject->model.tokenizer().vocab_size(), "token {} was drawn", drawn);
    live.script.feed(std::span(&drawn, 1));
  }
  counters_.tokens += static_cast<std::uint64_t>(count);
}

void Worker::generate(Live& live) {
  if (room(live) < 60) return;
  GenerateOptions options{.tokens_max = dice_.between(0, 40), .sampling = any_sampling(dice_)};
  options.keep_sampler = dice_.one_in(2);
  options.ignore_end = dice_.one_in(2);
  if (dice_.one_in(3)) options.stop = {"e", "the"};
  int pieces = dice_.between(1, 60);
  const int before = live.script.size();
  const Generation made =
      live.session.generate("over the hills", options, [&](std::string_view) { return --pieces > 0; });
  const std::span<const Token> tokens = live.session.tokens();
  const auto fed = static_cast<int>(tokens.size()) - before;
  const bool last_unfed = made.reason == FinishReason::kStop || made.reason == FinishReason::kContext ||
                          made.reason == FinishReason::kCancelled;
  require(fed == made.prompt_tokens + static_cast<int>(made.tokens.size()) - (last_unfed ? 1 : 0),
          "generated {} after {}, fed {}, reason {}", made.tokens.size(), made.prompt_tokens, fed,
          to_string(made.reason));
  const auto new_tokens = tokens.subspan(static_cast<std::size_t>(before));
  const auto prompt = static_cast<std::size_t>(made.prompt_tokens);
  if (prompt != 0) live.script.feed(new_tokens.first(prompt));
  for (const Token& token : new_tokens.subspan(prompt)) live.script.feed(std::span(&token, 1));
  counters_.tokens += static_cast<std::uint64_t>(fed);
  if (made.reason == FinishReason::kCancelled) ++counters_.cancelled;
}

void Worker::cancel(Live& live) {
  const int most = std::min(room(live), live.subject->feed_max);
  if (most < 2) return;
  const std::vector<Token> tokens = any_tokens(dice_, live.subject->model, dice_.between(2, most));
  std::stop_source source;
  const int before = live.script.size();
  std::thread stopper;
  if (dice_.one_in(4)) {
    source.request_stop();
  } else {
    stopper = std::thread([&source, wait = dice_.below(300)] {
      std::this_thread::sleep_for(std::chrono::microseconds(wait * 10));
      source.request_stop();
    });
  }
  bool ended = false;
  try {
    ended = live.session.feed(tokens, source.get_token());
  } catch (...) {
    if (stopper.joinable()) stopper.join();
    throw;
  }
  if (stopper.joinable()) {
    stopper.join();
  } else {
    require(!ended && live.session.position() == before, "stopped beforehand, and yet {} tokens were fed",
            live.session.position() - before);
  }
  const auto fed = static_cast<std::size_t>(live.session.position() - before);
  require(fed <= tokens.size() && ended == (fed == tokens.size()), "cancelled: {} of {} tokens, ended {}", fed,
          tokens.size(), ended);
  if (ended) {
    live.script.feed(tokens);
  } else if (fed != 0) {
    live.script.feed_in_part(std::span(tokens).first(fed));
  }
  counters_.tokens += fed;
  if (!ended) ++counters_.cancelled;
  if (!ended && fed != 0) compare_with_fresh(live);
}

}  // namespace pith::soak
