#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace pith {

/// The processes that compute the same sequences together, each with the whole model and a part of the KV cache
/// (docs/adr/0027-ranks.md). All of them make the same calls in the same order. Used by one thread at a time.
class Ranks {
 public:
  Ranks() = default;
  Ranks(const Ranks&) = delete;
  Ranks& operator=(const Ranks&) = delete;
  virtual ~Ranks() = default;

  /// Returns this process's number, below count().
  virtual std::size_t rank() const = 0;
  virtual std::size_t count() const = 0;
  /// Tells every rank what this one has to say, and returns what each has said [count()], its own words included. Valid
  /// until the next call. `topic` says what it is about; it is the same on all ranks. Throws Error: kPeer naming the
  /// rank that is gone, is silent for too long or talks of something else, kIntegrity if a message arrived damaged.
  virtual std::span<const std::span<const std::byte>> exchange(std::uint64_t topic,
                                                               std::span<const std::byte> mine) = 0;
};

}  // namespace pith
