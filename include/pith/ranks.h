#pragma once

#include <pith/export.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace pith::inline v0_1 {

/// The processes that compute the same sequences together (docs/distributed.md). Each has the whole model and keeps a
/// part of every KV cache: all make the same calls in the same order, and each gets every result, the same bits as one
/// process alone. Cluster makes them of MPI's processes; a transport of your own is another class of this kind. Used by
/// one thread at a time.
class PITH_EXPORT Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  /// Returns this process's number, below count().
  virtual std::size_t rank() const = 0;
  virtual std::size_t count() const = 0;
  /// Returns about how many seconds an exchange of a few kilobytes takes; the same on all ranks. What would take less
  /// time than that is computed by every rank instead of being divided.
  virtual double latency() const = 0;
  /// Tells every rank what this one has to say, and returns what each has said [count()], its own words included. Valid
  /// until the next call. `topic` says what it is about, and is the same on all ranks. Throws Error: kPeer naming the
  /// rank that is gone, is silent for too long or talks of something else, kIntegrity if a message arrived damaged.
  virtual std::span<const std::span<const std::byte>> exchange(std::uint64_t topic,
                                                               std::span<const std::byte> mine) = 0;
};

}  // namespace pith::inline v0_1
