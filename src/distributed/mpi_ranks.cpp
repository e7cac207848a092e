#include "distributed/mpi_ranks.h"

#include <fmt/format.h>
#include <pith/error.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <thread>
#include <utility>

#include "distributed/checksum.h"

namespace pith::distributed {
namespace {

constexpr int kTag = 27;
/// Polls between two looks at the clock.
constexpr unsigned kPollsPerLook = 256;

[[noreturn]] void fail(ErrorKind kind, const std::string& message) { throw Error(kind, message); }

void check(int status, const char* what) {
  if (status == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(status, text.data(), &length);
  fail(ErrorKind::kPeer, fmt::format("MPI: {}: {}", what, text.data()));
}

/// Waits for a moment without taking anything from a thread that shares the processor's core.
void pause() {
#if defined(__x86_64__)
  for (int i = 0; i < 16; ++i) __builtin_ia32_pause();
#elif defined(__aarch64__)
  for (int i = 0; i < 16; ++i) asm volatile("yield");
#endif
}

std::string host_of(MPI_Comm communicator, int rank) {
  std::array<char, MPI_MAX_PROCESSOR_NAME> name{};
  int length = 0;
  check(MPI_Get_processor_name(name.data(), &length), "the name of the host");
  check(MPI_Bcast(name.data(), static_cast<int>(name.size()), MPI_CHAR, rank, communicator), "the names of hosts");
  return name.data();
}

}  // namespace

MpiRuntime::MpiRuntime() {
  int initialized = 0;
  check(MPI_Initialized(&initialized), "MPI_Initialized");
  if (initialized != 0) return;
  int provided = 0;
  check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided), "MPI_Init_thread");
  ours_ = true;
}

MpiRuntime::~MpiRuntime() {
  if (ours_) MPI_Finalize();
}

MpiRanks::MpiRanks(std::shared_ptr<MpiRuntime> runtime, MPI_Comm communicator, const ClusterOptions& options)
    : runtime_(std::move(runtime)), deadline_(options.deadline) {
  check(MPI_Comm_dup(communicator, &communicator_), "MPI_Comm_dup");
  check(MPI_Comm_set_errhandler(communicator_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int rank = 0;
  int count = 0;
  check(MPI_Comm_rank(communicator_, &rank), "MPI_Comm_rank");
  check(MPI_Comm_size(communicator_, &count), "MPI_Comm_size");
  rank_ = static_cast<std::size_t>(rank);
  peers_.resize(static_cast<std::size_t>(count));
  said_.resize(peers_.size());
  for (int r = 0; r < count; ++r) peers_[static_cast<std::size_t>(r)].host = host_of(communicator_, r);
  const auto here =
      std::count_if(peers_.begin(), peers_.end(), [&](const Peer& peer) { return peer.host == peers_[rank_].host; });
  crowded_ = here > static_cast<std::ptrdiff_t>(std::thread::hardware_concurrency());
  latency_ = measure_latency();
}

double MpiRanks::measure_latency() {
  constexpr int kRounds = 32;
  constexpr std::size_t kBytes = 4096;
  const std::vector<std::byte> words(kBytes);
  std::vector<double> seconds;
  seconds.reserve(kRounds);
  for (int i = 0; i < kRounds; ++i) {
    const Clock::time_point start = Clock::now();
    exchange(0, words);
    seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::nth_element(seconds.begin(), seconds.begin() + kRounds / 2, seconds.end());
  double slowest = 0.0;
  for (const std::span<const std::byte> said : exchange(0, std::as_bytes(std::span(&seconds[kRounds / 2], 1)))) {
    double theirs = 0.0;
    std::memcpy(&theirs, said.data(), std::min(sizeof theirs, said.size()));
    slowest = std::max(slowest, theirs);
  }
  return slowest;
}

MpiRanks::~MpiRanks() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized == 0) MPI_Comm_free(&communicator_);
}

std::string MpiRanks::name(std::size_t rank) const { return fmt::format("rank {} ({})", rank, peers_[rank].host); }

bool MpiRanks::progress(std::size_t rank) {
  Peer& peer = peers_[rank];
  const auto number = static_cast<int>(rank);
  int flag = 0;
  if (!peer.matched) {
    MPI_Message message{};
    MPI_Status status{};
    check(MPI_Improbe(number, kTag, communicator_, &flag, &message, &status), "MPI_Improbe");
    if (flag == 0) return false;
    int size = 0;
    check(MPI_Get_count(&status, MPI_BYTE, &size), "MPI_Get_count");
    peer.received.resize(static_cast<std::size_t>(size));
    check(MPI_Imrecv(peer.received.data(), size, MPI_BYTE, &message, &peer.receiving), "MPI_Imrecv");
    peer.matched = true;
  }
  check(MPI_Test(&peer.receiving, &flag, MPI_STATUS_IGNORE), "MPI_Test");
  if (flag == 0) return false;
  check(MPI_Test(&peer.sending, &flag, MPI_STATUS_IGNORE), "MPI_Test");
  peer.done = flag != 0;
  return peer.done;
}

void MpiRanks::fail_silent() const {
  for (std::size_t r = 0; r < peers_.size(); ++r) {
    if (r == rank_ || peers_[r].done) continue;
    const char* const what = peers_[r].matched ? "is sending or receiving" : "has been silent";
    fail(ErrorKind::kPeer,
         fmt::format("{} {} for {} ms: it is gone, hangs, or is cut off", name(r), what, deadline_.count()));
  }
  fail(ErrorKind::kInternal, "all ranks have answered");
}

void MpiRanks::take(std::size_t rank, const Header& expected) {
  const std::span<const std::byte> received = peers_[rank].received;
  Header header{};
  if (received.size() < sizeof header) {
    fail(ErrorKind::kIntegrity, fmt::format("a message of {} has {} bytes", name(rank), received.size()));
  }
  std::memcpy(&header, received.data(), sizeof header);
  const std::span<const std::byte> bytes = received.subspan(sizeof header);
  if (header.number != expected.number || header.topic != expected.topic) {
    fail(ErrorKind::kPeer,
         fmt::format("{} does something else: its message {} is about {:016x}, that of rank {} is {} about {:016x}",
                     name(rank), header.number, header.topic, rank_, expected.number, expected.topic));
  }
  if (header.checksum != checksum(bytes)) {
    fail(ErrorKind::kIntegrity, fmt::format("a message of {} arrived damaged: {} bytes about {:016x}", name(rank),
                                            bytes.size(), header.topic));
  }
  said_[rank] = bytes;
}

std::span<const std::span<const std::byte>> MpiRanks::exchange(std::uint64_t topic, std::span<const std::byte> mine) {
  if (mine.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()) - sizeof(Header)) {
    fail(ErrorKind::kUnsupported, fmt::format("a message of {} bytes is longer than those of MPI, at most {}",
                                              mine.size(), std::numeric_limits<int>::max()));
  }
  const Header header = {++number_, topic, checksum(mine)};
  sent_.resize(sizeof header + mine.size());
  std::memcpy(sent_.data(), &header, sizeof header);
  if (!mine.empty()) std::memcpy(sent_.data() + sizeof header, mine.data(), mine.size());
  for (std::size_t r = 0; r < peers_.size(); ++r) {
    Peer& peer = peers_[r];
    peer.matched = false;
    peer.done = r == rank_;
    if (peer.done) continue;
    check(MPI_Isend(sent_.data(), static_cast<int>(sent_.size()), MPI_BYTE, static_cast<int>(r), kTag, communicator_,
                    &peer.sending),
          "MPI_Isend");
  }
  Clock::time_point start = Clock::now();
  std::size_t left = peers_.size() - 1;
  for (unsigned polls = 0; left != 0; ++polls) {
    const std::size_t before = left;
    for (std::size_t r = 0; r < peers_.size(); ++r) {
      if (!peers_[r].done && progress(r)) --left;
    }
    if (left != before) start = Clock::now();
    if (crowded_) {
      ::sched_yield();
    } else {
      pause();
    }
    if (polls % kPollsPerLook == 0 && Clock::now() - start > deadline_) fail_silent();
  }
  for (std::size_t r = 0; r < peers_.size(); ++r) {
    if (r != rank_) take(r, header);
  }
  said_[rank_] = std::span<const std::byte>(sent_).subspan(sizeof header);
  return said_;
}

}  // namespace pith::distributed
