// Many sessions with a common prefix under a limit of memory: each is fed a message of its own in turn. Prints what the
// budget counts, what the process really takes beyond the model, and what keeping the limit costs. At the end, some
// sessions are compared with ones that had no limit.
//
// usage: pressure MODEL FOLDER [NAME=VALUE...], with the names of Arguments below.
#include <fmt/format.h>
#include <pith/pith.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "sessions/arguments.h"
#include "sessions/inputs.h"

namespace {

struct Arguments {
  std::string kv = "int4";
  int sessions = 500;
  int prefix = 1024;  ///< Tokens that all begin with.
  int own = 100;      ///< Tokens of each message.
  int rounds = 2;     ///< Messages of each session.
  int mib = 300;      ///< The limit.
};

Arguments parse(std::span<char*> words) {
  Arguments arguments;
  const auto number = [](int& to) { return [&to](const std::string& value) { to = std::stoi(value); }; };
  pith::bench::parse(words, {
                                {"kv", [&](const std::string& value) { arguments.kv = value; }},
                                {"sessions", number(arguments.sessions)},
                                {"prefix", number(arguments.prefix)},
                                {"own", number(arguments.own)},
                                {"rounds", number(arguments.rounds)},
                                {"mib", number(arguments.mib)},
                            });
  if (arguments.sessions < 1 || arguments.prefix < 1 || arguments.own < 1 || arguments.rounds < 1 || arguments.mib < 1)
    throw std::invalid_argument("each number must be at least 1");
  return arguments;
}

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

double mib(std::uint64_t bytes) { return static_cast<double>(bytes) / 1048576.0; }

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) throw std::invalid_argument("usage: pressure MODEL FOLDER [NAME=VALUE...]");
  const Arguments arguments = parse(std::span(argv, static_cast<std::size_t>(argc)).subspan(3));
  const pith::Model model = pith::Model::load(argv[1]);
  pith::SessionOptions options{.kv = {.key = arguments.kv}};
  const std::vector<pith::Token> prefix = pith::bench::some_tokens(model, arguments.prefix, 1);
  const auto message = [&](int session, int round) {
    return pith::bench::some_tokens(model, arguments.own, static_cast<unsigned>(1000 * session + round + 2));
  };
  {
    // Scratch memory and the like are there before anything is compared.
    pith::Session warm(model, options);
    warm.feed(prefix);
  }
  const std::uint64_t before = resident_bytes();
  options.kv_budget = std::make_shared<pith::KvBudget>(
      pith::KvBudgetOptions{.bytes_max = static_cast<std::uint64_t>(arguments.mib) << 20U, .folder = argv[2]});
  pith::Session first(model, options);
  first.feed(prefix);
  std::vector<pith::Session> sessions;
  sessions.reserve(static_cast<std::size_t>(arguments.sessions));
  for (int i = 0; i < arguments.sessions; ++i) sessions.push_back(first.fork());
  fmt::print("{:>6} {:>9} {:>11} {:>9} {:>9} {:>9} {:>9}\n", "round", "counted", "resident", "parked", "MiB there",
             "parkings", "s each");
  std::uint64_t most = 0;
  for (int round = 0; round < arguments.rounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < arguments.sessions; ++i) {
      sessions[static_cast<std::size_t>(i)].feed(message(i, round));
      most = std::max(most, resident_bytes() - before);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const pith::KvBudgetStats stats = options.kv_budget->stats();
    fmt::print("{:>6} {:>9.1f} {:>11.1f} {:>9} {:>9.1f} {:>9} {:>9.3f}\n", round + 1, mib(stats.bytes),
               mib(resident_bytes() - before), stats.parked, mib(stats.parked_bytes), stats.parkings,
               seconds / arguments.sessions);
    std::fflush(stdout);
  }
  int same = 0;
  const int compared = std::min(arguments.sessions, 5);
  options.kv_budget = nullptr;
  for (int c = 0; c < compared; ++c) {
    const int i = c * arguments.sessions / compared;
    pith::Session alone(model, options);
    alone.feed(prefix);
    for (int round = 0; round < arguments.rounds; ++round) alone.feed(message(i, round));
    const std::span<const float> got = sessions[static_cast<std::size_t>(i)].logits();
    same += std::equal(got.begin(), got.end(), alone.logits().begin(), alone.logits().end()) ? 1 : 0;
  }
  fmt::print(
      "limit {} MiB, at most {:.1f} MiB resident beyond the model ({:+.1f} %); {} of {} sessions compared are the "
      "same without a limit\n",
      arguments.mib, mib(most), 100.0 * (mib(most) / arguments.mib - 1.0), same, compared);
  return 0;
} catch (const std::exception& error) {
  fmt::print(stderr, "{}\n", error.what());
  return 1;
}
