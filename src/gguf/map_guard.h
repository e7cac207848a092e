#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace pith::gguf {

/// Guards a mapped file. While a guard lives, reading past the end of the file, or where its disk fails, gives zeros
/// and is recorded instead of ending the program by SIGBUS. docs/adr/0010-mapped-files-that-shrink.md says why, and how
/// the handler coexists with handlers of the program. Safe from any thread.
class MapGuard {
 public:
  MapGuard() noexcept = default;
  /// Guards a whole mapping, which must be private and read-only, and must outlive the guard. The first guard of a
  /// process installs a handler for SIGBUS, which stays installed and passes on every signal outside guarded ranges.
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

  /// Returns whether zeros were read in place of the file's bytes. From then on the whole mapping reads as zeros.
  bool lost() const noexcept;

  struct Range;

 private:
  void release() noexcept;

  Range* range_ = nullptr;
};

}  // namespace pith::gguf
