#pragma once

#include <cstddef>

namespace pith::test {

/// While an object exists, controls what the library's reads from files return. Only one object at a time.
class FailingReads {
 public:
  struct Plan {
    /// Maximal bytes per call; 0: all that were asked for.
    std::size_t bytes_max = 0;
    /// Interrupts every second call by a signal first.
    bool interrupted = false;
    /// Number of calls that succeed before the device fails or, with `ends`, the file ends. Negative: all succeed.
    long good_calls = -1;
    bool ends = false;
  };

  explicit FailingReads(const Plan& plan);
  ~FailingReads();
  FailingReads(const FailingReads&) = delete;
  FailingReads& operator=(const FailingReads&) = delete;

  long calls() const;
};

}  // namespace pith::test
