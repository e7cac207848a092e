#include "io/bounded_folder.h"

#include <gtest/gtest.h>
#include <pith/error.h>

#include <chrono>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "support/gguf_writer.h"
#include "support/paths.h"

namespace pith::io {
namespace {

class BoundedFolderTest : public testing::Test {
 protected:
  BoundedFolder folder(std::uint64_t bytes_max = 1000) const { return {path(), ".x", ".half-", bytes_max}; }
  std::filesystem::path path() const { return temporary_ / "folder"; }
  static void write(const std::filesystem::path& path, std::size_t bytes) {
    const std::vector<std::byte> content(bytes);
    test::write_file(path, content);
  }
  static bool put(const BoundedFolder& folder, const std::string& name, std::size_t bytes) {
    return folder.add(bytes, [&] { write(folder.path_of(name), bytes); });
  }
  /// Times of files are as coarse as the clock of the file system.
  static void wait() { std::this_thread::sleep_for(std::chrono::milliseconds(15)); }

  const test::TempDir temporary_;
};

TEST_F(BoundedFolderTest, TheOldestGoFirst) {
  const BoundedFolder files = folder();
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_TRUE(put(files, name, 300));
    wait();
  }
  files.touch("a");
  EXPECT_TRUE(put(files, "d", 300));
  EXPECT_EQ(files.names(), (std::unordered_set<std::string>{"a", "c", "d"}));
  EXPECT_EQ(files.use().files, 3U);
  EXPECT_EQ(files.use().bytes, 900U);
  EXPECT_FALSE(put(files, "e", 1001));
  EXPECT_EQ(files.use().files, 3U);
  files.remove("a");
  EXPECT_EQ(files.names(), (std::unordered_set<std::string>{"c", "d"}));
}

TEST_F(BoundedFolderTest, OthersFilesAreLeftAlone) {
  const BoundedFolder files = folder();
  write(path() / "mine.txt", 5000);
  write(path() / ".half-finished", 5000);
  EXPECT_TRUE(put(files, "a", 900));
  EXPECT_TRUE(std::filesystem::exists(path() / "mine.txt"));
  EXPECT_FALSE(std::filesystem::exists(path() / ".half-finished")) << "nobody adds but who has the lock";
}

TEST_F(BoundedFolderTest, ASmallerLimitHoldsAtOnce) {
  put(folder(), "a", 400);
  wait();
  put(folder(), "b", 400);
  EXPECT_EQ(folder(500).names(), (std::unordered_set<std::string>{"b"}));
}

TEST_F(BoundedFolderTest, FailsByName) {
  write(temporary_ / "folder", 0);
  try {
    folder();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kIo);
    EXPECT_NE(std::string(error.what()).find(path().string()), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace pith::io
