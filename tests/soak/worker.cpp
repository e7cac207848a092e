#include "soak/worker.h"

#include <algorithm>
#include <cmath>

#include "soak/broken.h"

namespace pith::soak {
namespace {

constexpr std::size_t kLiveMax = 5;

}  // namespace

std::string summary(const Counters& c) {
  return fmt::format(
      "sessions: {} opened ({} with eviction, {} took a shared prefix), {} forked, {} closed\n"
      "operations: {} truncated, {} compacted, {} snapshots saved, {} restored, {} cancelled, {} refused as "
      "documented\n"
      "compared with a fresh session: {}\n"
      "tokens: {}\n",
      c.opened.load(), c.evicting.load(), c.shared.load(), c.forked.load(), c.closed.load(), c.truncated.load(),
      c.compacted.load(), c.saved.load(), c.restored.load(), c.cancelled.load(), c.refused.load(), c.compared.load(),
      c.tokens.load());
}

Worker::Worker(const std::vector<Subject>& subjects, Counters& counters, const std::filesystem::path& folder,
               const std::string& name, std::uint64_t seed)
    : subjects_(subjects), counters_(counters), snapshot_(folder / (name + ".pith")), dice_(seed) {}

void Worker::step() {
  static const std::vector<std::pair<Action, const char*>> actions = {
      {&Worker::feed, "feed"},
      {&Worker::feed, "feed"},
      {&Worker::feed, "feed"},
      {&Worker::draw, "draw"},
      {&Worker::draw, "draw"},
      {&Worker::generate, "generate"},
      {&Worker::cancel, "cancel"},
      {&Worker::fork, "fork"},
      {&Worker::truncate, "truncate"},
      {&Worker::truncate, "truncate"},
      {&Worker::compact, "compact"},
      {&Worker::compact, "compact"},
      {&Worker::reset, "reset"},
      {&Worker::compare_with_fresh, "compare with a fresh session"},
      {&Worker::save_and_restore, "save and restore"},
      {&Worker::damage_snapshot, "damage a snapshot"},
      {&Worker::ask_for_the_impossible, "ask for the impossible"},
  };
  ++counters_.steps;
  if (live_.empty() || (live_.size() < kLiveMax && dice_.one_in(8))) return open();
  const std::size_t index = dice_.below(live_.size());
  if (dice_.one_in(20)) return close(index);
  Live& live = *live_[index];
  const auto& [action, name] = dice_.pick(actions);
  doing_ = fmt::format("{}: {} tokens of {}, {}", name, live.script.size(), live.subject->model.info().architecture,
                       describe(live.script.options()));
  (this->*action)(live);
  // Other sessions must not be affected. (The action may have opened more.)
  for (const auto& each : live_) check(*each);
}

void Worker::open() {
  const Subject& subject = dice_.pick(subjects_);
  const SessionOptions options = any_options(dice_, subject);
  doing_ = fmt::format("open: {}, {}", subject.model.info().architecture, describe(options));
  live_.push_back(std::make_unique<Live>(Live{&subject, Session(subject.model, options), Script(options)}));
  ++counters_.opened;
  if (!options.eviction.policy.empty()) ++counters_.evicting;
  Live& live = *live_.back();
  live.session.set_sampling(any_sampling(dice_));
  check(live);
  if (!dice_.one_in(2)) return;
  const std::vector<Token>& beginning = dice_.pick(subject.beginnings);
  const auto tokens =
      std::span(beginning).first(std::min(1 + dice_.below(beginning.size()), static_cast<std::size_t>(room(live))));
  live.session.feed(tokens);
  live.script.feed(tokens);
  counters_.tokens += tokens.size();
  if (live.session.shared_tokens() != 0) ++counters_.shared;
  check(live);
}

void Worker::close(std::size_t index) {
  live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(index));
  ++counters_.closed;
}

int Worker::room(const Live& live) const {
  const int most = live.script.streams() ? live.subject->tokens_max : live.script.options().context;
  return std::max(0, most - live.script.size());
}

void Worker::check(const Live& live) {
  const Session& session = live.session;
  const Script& script = live.script;
  require(std::equal(session.tokens().begin(), session.tokens().end(), script.tokens().begin(), script.tokens().end()),
          "tokens are not those that were fed: {} against {}", session.tokens().size(), script.size());
  require(session.position() == script.size(), "position {}, fed {}", session.position(), script.size());
  require(session.context() == script.options().context, "context {}", session.context());
  const KvStats stats = session.kv_stats();
  require(stats.tokens == script.size(), "statistics of {} tokens, fed {}", stats.tokens, script.size());
  require(stats.bytes == stats.sealed_bytes + stats.exact_bytes + stats.summary_bytes + stats.state_bytes,
          "bytes do not add up");
  std::uint64_t by_layer = 0;
  for (const KvStats::Layer& layer : stats.layers) by_layer += layer.key_bytes + layer.value_bytes;
  require(by_layer == stats.bytes, "{} bytes by layer, {} in total", by_layer, stats.bytes);
  require(stats.held_tokens <= script.size(), "{} held of {}", stats.held_tokens, script.size());
  const EvictionOptions& eviction = script.options().eviction;
  if (!script.streams() && !script.compacted())
    require(stats.held_tokens == script.size(), "{} held of {}", stats.held_tokens, script.size());
  if (eviction.budget_tokens != 0) {
    require(static_cast<std::size_t>(stats.held_tokens) <= eviction.budget_tokens, "{} held, the budget is {}",
            stats.held_tokens, eviction.budget_tokens);
  }
  if (eviction.budget_bytes != 0)
    require(stats.bytes <= eviction.budget_bytes, "{} bytes, the budget is {}", stats.bytes, eviction.budget_bytes);
  if (script.size() == 0) {
    require(stats.bytes == 0, "an empty session holds {} bytes", stats.bytes);
    return;
  }
  require(session.logits().size() == static_cast<std::size_t>(live.subject->model.info().vocab), "{} logits",
          session.logits().size());
  require(std::all_of(session.logits().begin(), session.logits().end(), [](float x) { return std::isfinite(x); }),
          "logits are not finite");
}

void Worker::require_same(const Session& a, const Session& b, const char* what) {
  require(std::equal(a.tokens().begin(), a.tokens().end(), b.tokens().begin(), b.tokens().end()), "{}: other tokens",
          what);
  if (a.position() != 0) {
    require(std::equal(a.logits().begin(), a.logits().end(), b.logits().begin(), b.logits().end()),
            "{}: other logits after {} tokens", what, a.position());
  }
  const KvStats x = a.kv_stats();
  const KvStats y = b.kv_stats();
  require(x.bytes == y.bytes && x.sealed_bytes == y.sealed_bytes, "{}: {} bytes ({} sealed) against {} ({})", what,
          x.bytes, x.sealed_bytes, y.bytes, y.sealed_bytes);
  require(x.held_tokens == y.held_tokens, "{}: {} held against {}", what, x.held_tokens, y.held_tokens);
  ++counters_.compared;
}

void Worker::require_same_future(Live& a, Live& b, const char* what) {
  require_same(a.session, b.session, what);
  if (a.script.size() == 0) return;
  const int count = std::min({dice_.between(1, 70), room(a), room(b)});
  for (int i = 0; i < count; ++i) {
    const Token drawn = a.session.step();
    const Token again = b.session.step();
    require(drawn == again, "{}: token {} drawn, then {}", what, drawn, again);
    a.script.feed(std::span(&drawn, 1));
    b.script.feed(std::span(&drawn, 1));
  }
  counters_.tokens += 2 * static_cast<std::uint64_t>(count);
  require_same(a.session, b.session, what);
}

}  // namespace pith::soak
