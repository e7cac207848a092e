#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace pith::gguf {

/// While one lives, reading a mapped range past the end of its file, or where its disk fails, gives zeros and is
/// remembered, instead of ending the program by SIGBUS. Why, and how it lives with handlers of the program's own:
/// docs/adr/0010-mapped-files-that-shrink.md. Safe from any thread.
class MapGuard {
 public:
  MapGuard() noexcept = default;
  /// Guards a whole mapping, which must be private and for reading only, and must outlive the guard. The first guard of
  /// a process installs a handler for SIGBUS, which stays and hands on whatever is not about a guarded range.
  explicit MapGuard(std::span<const std::byte> mapping);
  ~MapGuard() { release(); }
  MapGuard(MapGuard&& other) noexcept : range_(std::exchange(other.range_, nullptr)) {}
  MapGuard& operator=(MapGuard&& other) noexcept {
    if (this != &other) {
      release();
      range_ = std::exchange(other.range_, nullptr);
    }
    return *this;
  }

  /// Whether zeros were read instead of the file's bytes. From then on all of the mapping is zeros.
  bool lost() const noexcept;

  struct Range;

 private:
  void release() noexcept;

  Range* range_ = nullptr;
};

}  // namespace pith::gguf
