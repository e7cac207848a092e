#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace pith::test {

/// Returns the folder of data beside a checkout, which a clone lacks; may not exist.
std::filesystem::path shared_dir();

/// Returns the folder of the project's small fixtures: tests/data.
std::filesystem::path data_dir();

/// Returns the path of a real model: "smollm2" or "gemma3". Looks in $PITH_MODELS, then in models/ of the project.
/// Returns nullopt if it is in neither; the test should then skip. Throws std::invalid_argument for another name.
std::optional<std::filesystem::path> find_model(std::string_view name);

/// Returns all bytes of a file; nothing if it cannot be read.
std::string read_file(const std::filesystem::path& path);

/// A folder for one test, removed with its contents by the destructor.
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
