#pragma once

#include <cstddef>

namespace pith::test {

/// While it lives, what the library reads from files goes as it says. One at a time.
class FailingReads {
 public:
  struct Plan {
    /// Bytes that a call gives at most; 0: all that were asked for.
    std::size_t bytes_max = 0;
    /// Every second call is interrupted by a signal first.
    bool interrupted = false;
    /// Calls that succeed; after them the device fails, or, with `ends`, the file does. Negative: all do.
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
