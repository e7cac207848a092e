#include <gtest/gtest.h>
#include <pith/pith.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <vector>

#include "session/snapshot.h"
#include "support/tiny_model.h"

// A process that dies while it saves leaves the old snapshot or the new one, never half of one.
namespace pith::test {
namespace {

/// The process is killed at a call, by number: before it, or of a writing, in the middle of it.
class DyingOps : public io::FileOps {
 public:
  explicit DyingOps(int dies_at) : dies_at_(dies_at) {}

  int create(std::string& name) const override { return (count(), FileOps::create(name)); }
  ssize_t write(int file, const std::byte* data, std::size_t size) const override {
    // Several for each chunk.
    size = std::min<std::size_t>(size, 3000);
    if (++calls_ == dies_at_) {
      FileOps::write(file, data, size / 2);
      die();
    }
    return FileOps::write(file, data, size);
  }
  int sync(int file) const override { return (count(), FileOps::sync(file)); }
  int close(int file) const override { return (count(), FileOps::close(file)); }
  int rename(const char* from, const char* to) const override { return (count(), FileOps::rename(from, to)); }
  int sync_folder(const char* name) const override { return (count(), FileOps::sync_folder(name)); }
  int calls() const { return calls_; }

 private:
  static void die() { ::kill(::getpid(), SIGKILL); }
  void count() const {
    if (++calls_ == dies_at_) die();
  }
  int dies_at_;
  mutable int calls_ = 0;
};

class FullOps : public io::FileOps {
 public:
  explicit FullOps(int fits) : fits_(fits) {}
  ssize_t write(int file, const std::byte* data, std::size_t size) const override {
    if (fits_-- > 0) return FileOps::write(file, data, std::min<std::size_t>(size, 3000));
    errno = ENOSPC;
    return -1;
  }

 private:
  mutable int fits_;
};

class InterruptedSave : public testing::Test {
 protected:
  Session session_of(std::size_t tokens) const {
    Session session(model_, {.kv = {.key = "int4"}, .threads = 1});
    session.feed(std::vector<Token>(tokens, 5));
    return session;
  }
  const TempDir folder_;
  const std::filesystem::path path_ = folder_ / "session.pith";
  const Model model_ = Model::load(write_tiny_model({}, folder_));
};

TEST_F(InterruptedSave, KilledAtEveryCallTheOldOrTheNewFileIsThere) {
  const Session old_session = session_of(100);
  const Session new_session = session_of(300);
  const DyingOps counting(-1);
  session::save(new_session, path_, {}, counting);
  const std::string new_bytes = read_file(path_);
  old_session.save(path_);
  const std::string old_bytes = read_file(path_);
  ASSERT_GT(counting.calls(), 20);
  int old_ones = 0;
  int new_ones = 0;
  for (int call = 1; call <= counting.calls() + 1; ++call) {
    old_session.save(path_);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      session::save(new_session, path_, {}, DyingOps(call));
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, call <= counting.calls()) << call;
    const std::string bytes = read_file(path_);
    EXPECT_TRUE(bytes == old_bytes || bytes == new_bytes) << "killed at call " << call;
    const int position = Session::restore(model_, path_).position();
    old_ones += position == 100 ? 1 : 0;
    new_ones += position == 300 ? 1 : 0;
  }
  EXPECT_EQ(old_ones + new_ones, counting.calls() + 1);
  // Before the renaming, at the sync of the folder after it, and not killed.
  EXPECT_EQ(new_ones, 2);
}

TEST_F(InterruptedSave, AFullDiskIsNamedAndChangesNothing) {
  session_of(100).save(path_);
  const std::string old_bytes = read_file(path_);
  const Session session = session_of(300);
  for (int fits = 0; fits < 20; fits += 3) {
    try {
      session::save(session, path_, {}, FullOps(fits));
      ADD_FAILURE() << "a full disk was not seen";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kIo);
      EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos) << error.what();
    }
    EXPECT_EQ(read_file(path_), old_bytes);
  }
  // The model's file and the snapshot: no temporary one is left.
  const auto files = std::distance(std::filesystem::directory_iterator(folder_.path()), {});
  EXPECT_EQ(files, 2);
}

}  // namespace
}  // namespace pith::test
