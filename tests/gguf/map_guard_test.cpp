#include "gguf/map_guard.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <numeric>
#include <thread>
#include <vector>

#include "gguf/expect_error.h"
#include "gguf/mapped_file.h"
#include "support/paths.h"

// Reads files that shrink while they are mapped, and checks that other causes of SIGBUS are handled as before.
namespace pith::gguf {
namespace {

namespace fs = std::filesystem;
using test::Bytes;
using test::TempDir;

constexpr std::size_t kPages = 16;

std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

fs::path write_pages(const TempDir& folder, const char* name = "pages") {
  test::write_file(folder / name, Bytes(kPages * page_bytes(), std::byte{7}));
  return folder / name;
}

unsigned sum_of(std::span<const std::byte> bytes) {
  return std::accumulate(bytes.begin(), bytes.end(), 0U,
                         [](unsigned sum, std::byte b) { return sum + std::to_integer<unsigned>(b); });
}

/// Reads an unguarded mapping past the end of its file.
void read_past_the_end(const TempDir& folder) {
  const fs::path path = write_pages(folder, "foreign");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const void* mapping = ::mmap(nullptr, kPages * page_bytes(), PROT_READ, MAP_PRIVATE, descriptor, 0);
  fs::resize_file(path, 0);
  const volatile char last = static_cast<const volatile char*>(mapping)[page_bytes()];
  static_cast<void>(last);
}

TEST(ShrinkingFile, IsReadAsZerosAndSaysSo) {
  const TempDir folder;
  const fs::path path = write_pages(folder);
  const MappedFile file(path);
  EXPECT_EQ(sum_of(file.bytes().first(page_bytes())), 7 * page_bytes());
  EXPECT_NO_THROW(file.check_read());
  fs::resize_file(path, page_bytes());
  EXPECT_EQ(sum_of(file.bytes().last(page_bytes())), 0U);
  EXPECT_TRUE(
      throws(ErrorKind::kIo, {path.string(), "shorter", std::to_string(page_bytes())}, [&] { file.check_read(); }));
  // The same when the file has its former length again.
  fs::resize_file(path, kPages * page_bytes());
  EXPECT_TRUE(throws(ErrorKind::kIo, {path.string(), "could not be read"}, [&] { file.check_read(); }));
}

TEST(ShrinkingFile, IsNoticedWithinItsLastPage) {
  const TempDir folder;
  const fs::path path = write_pages(folder);
  const MappedFile file(path);
  fs::resize_file(path, kPages * page_bytes() - 1);
  EXPECT_EQ(sum_of(file.bytes().last(1)), 0U) << "no signal comes";
  EXPECT_TRUE(throws(ErrorKind::kIo, {path.string(), "shorter"}, [&] { file.check_read(); }));
}

TEST(ShrinkingFile, LeavesOthersAlone) {
  const TempDir folder;
  const fs::path path = write_pages(folder, "a");
  const MappedFile shrinks(path);
  const MappedFile stays(write_pages(folder, "b"));
  fs::resize_file(path, 0);
  EXPECT_EQ(sum_of(shrinks.bytes()), 0U);
  EXPECT_EQ(sum_of(stays.bytes()), 7 * kPages * page_bytes());
  EXPECT_NO_THROW(stays.check_read());
  EXPECT_THROW(shrinks.check_read(), Error);
}

TEST(ShrinkingFile, InEveryThreadAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 50;
  const TempDir folder;
  std::vector<int> noticed(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        const fs::path path = write_pages(folder, std::to_string(t).c_str());
        const MappedFile file(path);
        if (round % 2 == 0) fs::resize_file(path, page_bytes() * static_cast<std::size_t>(t));
        const unsigned sum = sum_of(file.bytes());
        const bool whole = sum == 7 * kPages * page_bytes();
        try {
          file.check_read();
          if (whole) ++noticed[static_cast<std::size_t>(t)];
        } catch (const Error&) {
          if (!whole) ++noticed[static_cast<std::size_t>(t)];
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : noticed) EXPECT_EQ(count, kRounds);
}

TEST(ShrinkingFile, MemoryIsGivenBackAndReadAgain) {
  const TempDir folder;
  const MappedFile file(write_pages(folder));
  EXPECT_EQ(sum_of(file.bytes()), 7 * kPages * page_bytes());
  file.release(file.bytes());
  std::vector<unsigned char> resident(kPages);
  ASSERT_EQ(::mincore(const_cast<std::byte*>(file.bytes().data()), file.bytes().size(), resident.data()), 0);
  EXPECT_EQ(sum_of(file.bytes()), 7 * kPages * page_bytes());
  EXPECT_NO_THROW(file.check_read());
}

// Each runs in a process of its own, in which no guard existed before.
class BusErrorDeathTest : public testing::Test {
 protected:
  BusErrorDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(BusErrorDeathTest, OfOthersGoesToTheHandlerThatWasThere) {
  const auto run = [] {
    struct sigaction own {};
    own.sa_sigaction = [](int, siginfo_t* info, void*) { ::_exit(info->si_code == BUS_ADRERR ? 7 : 8); };
    own.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &own, nullptr);
    const TempDir folder;
    const fs::path path = write_pages(folder);
    const MappedFile file(path);
    fs::resize_file(path, 0);
    if (sum_of(file.bytes()) != 0) ::_exit(9);
    read_past_the_end(folder);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(7), "");
}

TEST_F(BusErrorDeathTest, OfOthersGoesToAPlainHandlerThatWasThere) {
  const auto run = [] {
    std::signal(SIGBUS, [](int) { ::_exit(6); });
    const TempDir folder;
    const MappedFile file(write_pages(folder));
    read_past_the_end(folder);
  };
  EXPECT_EXIT(run(), testing::ExitedWithCode(6), "");
}

TEST_F(BusErrorDeathTest, OfOthersEndsTheProcessWhereNobodyHandlesIt) {
  const auto run = [] {
    std::signal(SIGBUS, SIG_DFL);
    const TempDir folder;
    const MappedFile file(write_pages(folder));
    read_past_the_end(folder);
  };
  EXPECT_EXIT(run(), testing::KilledBySignal(SIGBUS), "");
}

TEST_F(BusErrorDeathTest, ThatWasSentIsAsItWas) {
  const auto run = [](void (*handler)(int)) {
    std::signal(SIGBUS, handler);
    const TempDir folder;
    const MappedFile file(write_pages(folder));
    ::raise(SIGBUS);
    ::_exit(5);
  };
  EXPECT_EXIT(run(SIG_DFL), testing::KilledBySignal(SIGBUS), "");
  EXPECT_EXIT(run(SIG_IGN), testing::ExitedWithCode(5), "");
}

}  // namespace
}  // namespace pith::gguf
