#pragma once

namespace pith::test {

/// While it lives, allocations of the whole process are counted, and one of them fails, or that one and all after it:
/// operator new, and what pith::RawBuffer takes from the system. One at a time.
class FailingMemory {
 public:
  enum class Mode { kOnce, kFromThenOn };

  /// `nth` counts from 1.
  FailingMemory(long nth, Mode mode);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  /// Whether so many were asked for.
  bool failed() const;
};

}  // namespace pith::test
