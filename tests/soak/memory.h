#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pith::soak {

/// What the process holds.
struct Memory {
  double seconds = 0;          ///< Since the run began.
  std::uint64_t heap = 0;      ///< Bytes that were allocated and not freed; 0 where a sanitizer keeps them.
  std::uint64_t resident = 0;  ///< Bytes in memory, after what is free was given back.
};

Memory measure_memory(double seconds);

/// Memory when no session is open, again and again: what grows leaks.
class MemoryLog {
 public:
  /// The first few are warm-up: what is kept for good (fingerprints, buffers of the allocator) is there afterwards.
  void add(const Memory& memory) { all_.push_back(memory); }
  /// Throws Broken if the heap grew.
  void check() const;
  std::string summary() const;

 private:
  const Memory& warm() const;

  std::vector<Memory> all_;
};

}  // namespace pith::soak
