#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace pith::soak {

/// Numbers of actions of all threads.
struct Counters {
  using Count = std::atomic<std::uint64_t>;
  Count steps{0}, opened{0}, closed{0}, forked{0}, truncated{0}, compacted{0}, evicting{0}, saved{0}, restored{0},
      cancelled{0}, shared{0}, refused{0}, compared{0}, tokens{0};
};

/// Returns "12 opened, 3 forked, …".
std::string summary(const Counters& counters);

}  // namespace pith::soak
