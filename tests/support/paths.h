#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace pith::test {

/// Data that lies beside a checkout and that a clone of its own lacks; may not exist.
std::filesystem::path shared_dir();

/// The project's small fixtures: tests/data.
std::filesystem::path data_dir();

/// A real model: "smollm2" or "gemma3". Looked for in $PITH_MODELS, then in models/ of the project; nullopt if it is in
/// neither, and the test should skip. Throws std::invalid_argument for another name.
std::optional<std::filesystem::path> find_model(std::string_view name);

/// All bytes of a file; none if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// A folder of its own, removed with all it holds at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace pith::test
