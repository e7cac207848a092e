#include "io/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <string>

#include "base/fail.h"
#include "support/paths.h"

namespace pith::io {
namespace {

using test::TempDir;

/// Fails at the call of a given number; may write less than asked or be interrupted at others.
class FaultyOps : public FileOps {
 public:
  explicit FaultyOps(int fails_at, int reason) : fails_at_(fails_at), reason_(reason) {}

  int create(std::string& name) const override { return fails() ? -1 : FileOps::create(name); }
  ssize_t write(int file, const std::byte* data, std::size_t size) const override {
    if (fails()) return -1;
    if (++writes_ % 3 == 0) {
      errno = EINTR;
      return -1;
    }
    return FileOps::write(file, data, std::min<std::size_t>(size, 7));
  }
  int sync(int file) const override { return fails() ? -1 : FileOps::sync(file); }
  int close(int file) const override {
    const bool failing = fails();
    const int result = FileOps::close(file);
    if (failing) errno = reason_;
    return failing ? -1 : result;
  }
  int rename(const char* from, const char* to) const override { return fails() ? -1 : FileOps::rename(from, to); }
  int sync_folder(const char* name) const override { return fails() ? -1 : FileOps::sync_folder(name); }
  int calls() const { return calls_; }

 private:
  bool fails() const {
    errno = reason_;
    return ++calls_ == fails_at_;
  }
  int fails_at_, reason_;
  mutable int calls_ = 0;
  mutable int writes_ = 0;
};

std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

void write(const std::filesystem::path& path, std::string_view text, const FileOps& ops) {
  AtomicFile file(path, ops);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

TEST(AtomicFile, ShortWritesAndInterruptionsAreTakenUp) {
  const TempDir folder;
  const std::string text = "a text of more than a few writes, seven bytes at a time";
  write(folder / "file", text, FaultyOps(-1, 0));
  EXPECT_EQ(test::read_file(folder / "file"), text);
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(AtomicFile, WhateverFailsIsNamedAndTheOldFileStays) {
  const TempDir folder;
  const std::filesystem::path path = folder / "file";
  const std::string text = "a text of more than a few writes, seven bytes at a time";
  const FaultyOps whole(-1, 0);
  write(path, text, whole);
  ASSERT_GT(whole.calls(), 10);
  for (const int reason : {ENOSPC, EIO, EDQUOT}) {
    for (int call = 1; call <= whole.calls(); ++call) {
      write(path, "old", FileOps());
      const FaultyOps ops(call, reason);
      try {
        write(path, text, ops);
        ADD_FAILURE() << "call " << call << " may fail unseen";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kIo);
        EXPECT_THAT(error.what(), testing::HasSubstr(path.string()));
        EXPECT_THAT(error.what(), testing::HasSubstr(std::generic_category().message(reason)));
      }
      // The last call, after the rename, syncs the folder.
      EXPECT_EQ(test::read_file(path), call == whole.calls() ? text : "old") << call;
      EXPECT_EQ(files_in(folder.path()), 1U) << call;
    }
  }
}

TEST(AtomicFile, WhatIsNotCommittedLeavesNoTrace) {
  const TempDir folder;
  const FileOps ops;
  {
    AtomicFile file(folder / "file", ops);
    file.write(std::as_bytes(std::span(std::string_view("text"))));
  }
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(AtomicFile, OnlyFilesAndLinksAreReplaced) {
  const TempDir folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::filesystem::create_directory(folder / "folder");
  for (const std::filesystem::path& path : {pipe, folder / "folder"}) {
    const auto before = std::filesystem::status(path).type();
    EXPECT_THROW(write(path, "text", FileOps()), Error) << path;
    EXPECT_EQ(std::filesystem::status(path).type(), before) << path;
  }
  EXPECT_EQ(files_in(folder.path()), 2U);

  std::filesystem::create_symlink(pipe, folder / "link");
  write(folder / "link", "text", FileOps());
  EXPECT_TRUE(std::filesystem::is_regular_file(std::filesystem::symlink_status(folder / "link")));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
}

TEST(AtomicFile, NamesMayBeAsLongAsTheyCanAndFoldersMustExist) {
  const TempDir folder;
  const std::string longest(255, 'n');
  write(folder / longest, "text", FileOps());
  EXPECT_EQ(test::read_file(folder / longest), "text");
  EXPECT_THROW(write(folder / "none/file", "text", FileOps()), Error);
}

}  // namespace
}  // namespace pith::io
