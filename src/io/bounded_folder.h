#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

namespace pith::io {

/// A folder whose files of one ending take at most so many bytes together: those go first that were not used for
/// longest. Several processes may use it at once. Thread-safe.
class BoundedFolder {
 public:
  /// Makes the folder if it is not there. `temporary` is how names of files begin that are not finished: what a killed
  /// process left of them is removed. Throws Error(kIo).
  BoundedFolder(std::filesystem::path folder, std::string ending, std::string temporary, std::uint64_t bytes_max);

  std::filesystem::path path_of(std::string_view name) const;
  std::unordered_set<std::string> names() const;
  /// Notes that the file is used.
  void touch(std::string_view name) const noexcept;
  void remove(std::string_view name) const noexcept;

  /// Removes files until there is room for `bytes` and calls `write`, which puts as many there; no other process adds
  /// anything meanwhile. Returns false, and does nothing, for more bytes than the folder may have. Throws Error(kIo).
  bool add(std::uint64_t bytes, const std::function<void()>& write) const;

  struct Use {
    std::size_t files = 0;
    std::uint64_t bytes = 0;
  };
  Use use() const;

 private:
  void make_room(std::uint64_t bytes) const;

  std::filesystem::path folder_;
  std::string ending_;
  std::string temporary_;
  std::uint64_t bytes_max_;
};

}  // namespace pith::io
