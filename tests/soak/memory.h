#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pith::soak {

/// The memory of the process.
struct Memory {
  double seconds = 0;          ///< Since the run began
  std::uint64_t heap = 0;      ///< Bytes allocated and not freed; 0 if a sanitizer owns the heap
  std::uint64_t resident = 0;  ///< Resident bytes, after free memory was returned to the system
};

Memory measure_memory(double seconds);

/// Measures memory repeatedly while no session is open: growth is a leak.
class MemoryLog {
 public:
  /// The first few measurements are warm-up, after which permanent memory (fingerprints, allocator buffers) exists.
  void add(const Memory& memory) { all_.push_back(memory); }
  /// Throws Broken if the heap grew.
  void check() const;
  std::string summary() const;

 private:
  const Memory& warm() const;

  std::vector<Memory> all_;
};

}  // namespace pith::soak
