#pragma once

namespace pith::test {

/// While an object exists, counts the allocations of the whole process (operator new, and the memory of
/// pith::RawBuffer) and fails one of them, or that one and all later ones. Only one object at a time.
class FailingMemory {
 public:
  enum class Mode { kOnce, kFromThenOn };

  /// `nth` counts from 1.
  FailingMemory(long nth, Mode mode);
  ~FailingMemory();
  FailingMemory(const FailingMemory&) = delete;
  FailingMemory& operator=(const FailingMemory&) = delete;

  /// Returns whether that many allocations were made.
  bool failed() const;
};

}  // namespace pith::test
