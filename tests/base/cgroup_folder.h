#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "support/paths.h"

namespace pith::test {

/// Tests with cgroup file systems of their own, which are plain files in a folder.
class CgroupFolder : public testing::Test {
 protected:
  /// Writes a file of a group: write("memory/a/memory.limit_in_bytes", "4096").
  void write(const std::filesystem::path& path, const std::string& text) const {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  /// Writes what stands in for /proc/self/cgroup and returns its path.
  std::filesystem::path membership(const std::string& text) const {
    std::ofstream(folder_ / "membership") << text;
    return folder_ / "membership";
  }

  const TempDir folder_;
  const std::filesystem::path root_ = folder_ / "fs";
};

}  // namespace pith::test
