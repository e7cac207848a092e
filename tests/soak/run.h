#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pith::soak {

struct RunOptions {
  /// Limits of the run: minutes, or rounds.
  std::optional<double> minutes{};
  std::uint64_t rounds = 1;
  /// Actions per thread and round.
  int steps = 150;
  int threads = 2;
  std::uint64_t seed = 1;
  std::uint64_t first_round = 0;
  std::vector<std::string> models{};
};

/// Runs rounds of random operations until the time is over or a property does not hold. Prints progress to standard
/// error and a summary to standard output. Returns false if a property did not hold.
bool run(const RunOptions& options);

}  // namespace pith::soak
