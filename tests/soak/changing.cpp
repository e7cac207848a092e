#include <algorithm>

#include "soak/broken.h"
#include "soak/worker.h"

// Actions that fork, truncate, reset or compact a session.
namespace pith::soak {

void Worker::fork(Live& live) {
  auto other = std::make_unique<Live>(Live{live.subject, live.session.fork(), live.script});
  ++counters_.forked;
  require_same_future(live, *other, "a fork");
  // From here on the two diverge. The older one is closed first half of the time.
  if (dice_.one_in(2)) std::swap(live, *other);
  if (live_.size() < 6) {
    live_.push_back(std::move(other));
  } else {
    ++counters_.closed;
  }
}

void Worker::truncate(Live& live) {
  const int tokens = dice_.between(0, live.script.size());
  if (live.script.compacted()) {
    // It is refused only if the compaction evicted something.
    if (live.session.kv_stats().held_tokens == live.script.size()) return;
    if (live.script.streams() || !live.session.marks().empty()) return;
    require_error(ErrorKind::kInvalidArgument, "truncate after compact", [&] { live.session.truncate(tokens); });
    ++counters_.refused;
    return;
  }
  require_error(ErrorKind::kInvalidArgument, "truncate to more than there is",
                [&] { live.session.truncate(live.script.size() + 1); });
  live.session.truncate(tokens);
  live.script.truncate(tokens);
  ++counters_.truncated;
  check(live);
  if (dice_.one_in(2)) compare_with_fresh(live);
}

void Worker::compact(Live& live) {
  const EvictionOptions& own = live.script.options().eviction;
  const auto budget = 1 + dice_.below(static_cast<std::size_t>(live.script.size()) + 1);
  if (own.policy.empty()) {
    require_error(ErrorKind::kInvalidArgument, "compact without a policy", [&] { live.session.compact(budget); });
    ++counters_.refused;
    return;
  }
  EvictionOptions policy = own;
  if (!own.observe.empty() && dice_.one_in(2)) policy.policy = dice_.pick(own.observe);
  const int before = live.session.kv_stats().held_tokens;
  live.session.compact(budget, policy);
  live.script.compact(budget, policy);
  ++counters_.compacted;
  const int after = live.session.kv_stats().held_tokens;
  // Kept whatever the budget: these, a policy's window, and the open page.
  const auto least = static_cast<int>(own.sinks + own.recent + 2 * 64);
  require(after <= before, "{} held before, {} after", before, after);
  require(after <= std::max(static_cast<int>(budget), least) || own.selector == "page" || after == before,
          "compacted to {}, {} are held", budget, after);
  if (dice_.one_in(3)) compare_with_fresh(live);
}

void Worker::reset(Live& live) {
  live.session.reset();
  live.script.reset();
  check(live);
}

void Worker::compare_with_fresh(Live& live) {
  if (!live.script.can_replay()) return;
  const Session fresh = live.script.replay(live.subject->model, dice_);
  counters_.tokens += static_cast<std::uint64_t>(live.script.size());
  require_same(live.session, fresh, "a fresh session");
}

}  // namespace pith::soak
