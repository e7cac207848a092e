#include "tools/cluster.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pith/error.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <thread>

#include "eval/fail.h"

#ifdef PITH_HAS_MPI
#include <pith/cluster.h>
#endif

namespace pith::tools {
namespace {

/// How long other ranks wait before they report an error: rank 0 mostly has the same to say.
constexpr std::chrono::milliseconds kFirstWord{300};
constexpr std::uint64_t kInput = 0x70697468;

struct State {
  std::shared_ptr<Ranks> ranks;
#ifdef PITH_HAS_MPI
  std::optional<Cluster> cluster;
#endif
  int standard_error = STDERR_FILENO;
};

State& state() {
  static State the_state;
  return the_state;
}

/// How many processes the launcher says there are: Open MPI and others that keep to PMI.
int started() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"}) {
    if (const char* value = std::getenv(name); value != nullptr) return std::atoi(value);
  }
  return 1;
}

[[maybe_unused]] void fall_silent(State& all) {
  std::fflush(nullptr);
  all.standard_error = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) ::dup2(nowhere, stream);
  ::close(nowhere);
}

}  // namespace

void join_cluster() {
  if (started() < 2) return;
#ifdef PITH_HAS_MPI
  State& all = state();
  all.cluster = Cluster::world();
  all.ranks = all.cluster->ranks();
  if (!is_first()) fall_silent(all);
#else
  eval::fail(ErrorKind::kUnsupported, "started as one of {} processes, but this pith was built without MPI", started());
#endif
}

const std::shared_ptr<Ranks>& ranks() { return state().ranks; }

bool is_first() { return ranks() == nullptr || ranks()->rank() == 0; }

void abort_cluster([[maybe_unused]] const std::string& message, [[maybe_unused]] int status) {
#ifdef PITH_HAS_MPI
  if (ranks() == nullptr) return;
  if (!is_first()) {
    std::this_thread::sleep_for(kFirstWord);
    const std::string line = fmt::format("pith: rank {}: error: {}\n", ranks()->rank(), message);
    [[maybe_unused]] const auto written = ::write(state().standard_error, line.data(), line.size());
  }
  state().cluster->end_all(status);
#endif
}

std::string from_first(const std::string& text) {
  if (ranks() == nullptr) return text;
  const std::string mine = is_first() ? text : std::string();
  const auto said = ranks()->exchange(kInput, std::as_bytes(std::span(mine)));
  std::string read;
  for (const std::byte byte : said.front()) read.push_back(static_cast<char>(byte));
  return read;
}

}  // namespace pith::tools
