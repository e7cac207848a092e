#include "gguf/mapped_file.h"

#include <sys/stat.h>

#include <utility>

#include "gguf/expect_error.h"
#include "support/paths.h"

namespace pith::gguf {
namespace {

using test::Bytes;

TEST(MappedFile, ShowsTheBytes) {
  const test::TempDir folder;
  test::write_file(folder / "a", Bytes{std::byte{1}, std::byte{2}, std::byte{3}});
  const MappedFile file(folder / "a");
  ASSERT_EQ(file.bytes().size(), 3U);
  EXPECT_EQ(file.bytes()[2], std::byte{3});
}

TEST(MappedFile, KeepsItsBytesWhenMoved) {
  const test::TempDir folder;
  test::write_file(folder / "a", Bytes(10, std::byte{7}));
  MappedFile first(folder / "a");
  const std::byte* data = first.bytes().data();
  MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().data(), data);
  MappedFile third;
  third = std::move(second);
  EXPECT_EQ(third.bytes().data(), data);
  EXPECT_EQ(third.bytes()[9], std::byte{7});
}

TEST(MappedFile, OutlivesTheFilesName) {
  const test::TempDir folder;
  test::write_file(folder / "a", Bytes(10, std::byte{7}));
  const MappedFile file(folder / "a");
  std::filesystem::remove(folder / "a");
  EXPECT_EQ(file.bytes()[9], std::byte{7});
}

TEST(MappedFile, TakesAnEmptyFile) {
  const test::TempDir folder;
  test::write_file(folder / "a", Bytes{});
  EXPECT_TRUE(MappedFile(folder / "a").bytes().empty());
}

TEST(MappedFile, RefusesWhatIsNoFile) {
  const test::TempDir folder;
  const auto refused_path = [](const std::filesystem::path& path, const char* why) {
    return throws(ErrorKind::kIo, {path.string(), why}, [&] { const MappedFile file(path); });
  };
  EXPECT_TRUE(refused_path(folder / "missing.gguf", "No such file"));
  EXPECT_TRUE(refused_path(folder.path(), "folder"));
  EXPECT_TRUE(refused_path(folder / "missing" / "a.gguf", "No such file"));
  const auto pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_TRUE(refused_path(pipe, "not a regular file"));
  EXPECT_TRUE(refused_path("", "No such file"));
}

}  // namespace
}  // namespace pith::gguf
