#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pith::soak {

struct RunOptions {
  /// Ends after so many minutes, or after so many rounds.
  std::optional<double> minutes{};
  std::uint64_t rounds = 1;
  /// Things that a thread does in a round.
  int steps = 150;
  int threads = 2;
  std::uint64_t seed = 1;
  std::uint64_t first_round = 0;
  std::vector<std::string> models{};
};

/// Rounds of random operations until the time is over or something does not hold. Says on standard error how it goes,
/// and on standard output what was done. False if something did not hold.
bool run(const RunOptions& options);

}  // namespace pith::soak
