#pragma once

#include <mpi.h>
#include <pith/cluster.h>
#include <pith/ranks.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pith::distributed {

/// MPI, initialized: by this object, which finalizes it then, or by somebody else.
class MpiRuntime {
 public:
  MpiRuntime();
  MpiRuntime(const MpiRuntime&) = delete;
  MpiRuntime& operator=(const MpiRuntime&) = delete;
  ~MpiRuntime();

 private:
  bool ours_ = false;
};

/// Ranks that are processes of MPI. Each message goes from every rank to every other: that is one step, as long as the
/// network is, and it is known who is missing. Messages are numbered, say what they are about and carry a checksum.
class MpiRanks : public Ranks {
 public:
  MpiRanks(std::shared_ptr<MpiRuntime> runtime, MPI_Comm communicator, const ClusterOptions& options);
  ~MpiRanks() override;

  std::size_t rank() const override { return rank_; }
  std::size_t count() const override { return peers_.size(); }
  double latency() const override { return latency_; }
  std::span<const std::span<const std::byte>> exchange(std::uint64_t topic, std::span<const std::byte> mine) override;
  MPI_Comm communicator() const { return communicator_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// What comes before the bytes of a message.
  struct Header {
    std::uint64_t number;
    std::uint64_t topic;
    std::uint64_t checksum;  ///< XXH3 of the bytes.
  };
  /// Another rank, and what is under way with it.
  struct Peer {
    std::string host;
    std::vector<std::byte> received;  ///< Header and bytes.
    MPI_Request sending = MPI_REQUEST_NULL;
    MPI_Request receiving = MPI_REQUEST_NULL;
    bool matched = false;
    bool done = false;
  };

  /// Goes on with what is under way with a rank. Returns whether it is done.
  bool progress(std::size_t rank);
  void take(std::size_t rank, const Header& expected);
  std::string name(std::size_t rank) const;
  double measure_latency();
  [[noreturn]] void fail_silent() const;

  std::shared_ptr<MpiRuntime> runtime_;
  MPI_Comm communicator_ = MPI_COMM_NULL;
  std::chrono::milliseconds deadline_;
  std::size_t rank_ = 0;
  /// More ranks than processors on this host: whoever waits gives way to others.
  bool crowded_ = false;
  double latency_ = 0.0;
  std::uint64_t number_ = 0;
  std::vector<std::byte> sent_;
  std::vector<Peer> peers_;  ///< [count]; this rank's is idle.
  std::vector<std::span<const std::byte>> said_;
};

}  // namespace pith::distributed
