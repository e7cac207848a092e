#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/error.h>

#include <cerrno>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "snapshot/reader.h"
#include "snapshot/writer.h"
#include "support/gguf_writer.h"
#include "support/paths.h"
#include "support/refusal.h"

// The file format alone: records that are written are read back, and everything else is refused.
namespace pith::snapshot {
namespace {

using test::refusal;
using test::TempDir;
using test::write_file;
using Bytes = std::vector<std::byte>;

Bytes some_bytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(count);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random() & 255U);
  return bytes;
}

Bytes read_all(const std::filesystem::path& path) {
  const std::string text = test::read_file(path);
  const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class SnapshotFile : public testing::TestWithParam<bool> {
 protected:
  std::span<const std::byte> key() const {
    return GetParam() ? std::span<const std::byte>(key_) : std::span<const std::byte>();
  }
  /// Writes page records of these sizes.
  void write(const std::vector<std::size_t>& sizes, const std::filesystem::path& path) const {
    Writer writer(path, key(), ops_);
    for (const std::size_t size : sizes)
      writer.record(RecordKind::kPage, some_bytes(size, static_cast<unsigned>(size)));
    writer.finish();
  }
  bool passes(std::span<const std::byte> bytes) const {
    write_file(folder_ / "changed", bytes);
    return passes(folder_ / "changed");
  }
  bool passes(const std::filesystem::path& path) const {
    try {
      Reader(path, key()).verify();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(path.string() + ": "), std::string::npos) << error.what();
      return false;
    }
    return true;
  }

  const TempDir folder_;
  const io::FileOps ops_{};
  const std::filesystem::path path_ = folder_ / "snapshot";
  const Bytes key_ = some_bytes(kKeyBytes, 1);
};

TEST_P(SnapshotFile, GivesBackWhatWentIn) {
  // Sizes around chunk boundaries.
  const std::vector<std::size_t> sizes = {0, 1, 100, kChunkBytes - 200, kChunkBytes, 3 * kChunkBytes + 17, 5};
  write(sizes, path_);
  Reader reader(path_, key());
  for (const bool verified : {false, true}) {
    if (verified) reader.verify();
    for (const std::size_t size : sizes) {
      const RawBuffer page = reader.page(size);
      const Bytes expected = some_bytes(size, static_cast<unsigned>(size));
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), page.data()));
    }
    reader.end();
  }
}

TEST_P(SnapshotFile, EveryLengthOfTheLastChunkIsRead) {
  for (std::size_t size = kChunkBytes - 400; size < kChunkBytes + 40; ++size) {
    write({size}, path_);
    Reader(path_, key()).verify();
  }
}

TEST_P(SnapshotFile, EveryFlippedBitIsFound) {
  write({0, 3, 40, 200}, path_);
  ASSERT_TRUE(passes(path_));
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  const auto put = [&](std::size_t at, std::byte value) {
    file.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(value)).flush();
  };
  const Bytes bytes = read_all(path_);
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) {
    put(i / 8, bytes[i / 8] ^ std::byte{1} << (i % 8));
    EXPECT_FALSE(passes(path_)) << "bit " << i;
    put(i / 8, bytes[i / 8]);
  }
  EXPECT_TRUE(passes(path_));
}

TEST_P(SnapshotFile, EveryCutAndEveryAdditionIsFound) {
  write({0, 3, 40, 200}, path_);
  Bytes bytes = read_all(path_);
  for (std::size_t length = 0; length < bytes.size(); ++length) EXPECT_FALSE(passes(std::span(bytes).first(length)));
  for (std::size_t more = 1; more < 40; ++more) {
    bytes.push_back(std::byte{0});
    EXPECT_FALSE(passes(bytes));
  }
}

TEST_P(SnapshotFile, CutsBetweenChunksAreFound) {
  write({4 * kChunkBytes}, path_);
  const Bytes bytes = read_all(path_);
  const std::size_t chunk = kChunkBytes + (GetParam() ? kTagBytes : 0);
  for (std::size_t chunks = 0; chunks <= 4; ++chunks)
    EXPECT_FALSE(passes(std::span(bytes).first(kHeaderBytes + chunks * chunk)));
}

TEST_P(SnapshotFile, ChunksThatChangedPlacesAreFound) {
  write({4 * kChunkBytes}, path_);
  Bytes bytes = read_all(path_);
  const auto chunk = static_cast<std::ptrdiff_t>(kChunkBytes + (GetParam() ? kTagBytes : 0));
  const auto first = bytes.begin() + static_cast<std::ptrdiff_t>(kHeaderBytes) + chunk;
  std::swap_ranges(first, first + chunk, first + chunk);
  EXPECT_FALSE(passes(bytes));
}

TEST_P(SnapshotFile, StatedSizesTakeNoMemory) {
  // A record header that states a size of an exabyte.
  write({100}, path_);
  Bytes bytes = read_all(path_);
  const std::uint64_t size = std::uint64_t{1} << 60U;
  std::memcpy(&bytes[kHeaderBytes + 8], &size, sizeof size);
  EXPECT_FALSE(passes(bytes));
  write_file(folder_ / "changed", bytes);
  EXPECT_THROW(Reader(folder_ / "changed", key()).page(100), Error);
  EXPECT_THROW(Reader(folder_ / "changed", key()).fields(RecordKind::kPage), Error);
}

TEST_P(SnapshotFile, OtherRecordsThanExpectedAreRefused) {
  write({100}, path_);
  EXPECT_THAT(refusal(ErrorKind::kFormat, [&] { Reader(path_, key()).page(99); }), testing::HasSubstr("must have 99"));
  EXPECT_THAT(refusal(ErrorKind::kFormat, [&] { Reader(path_, key()).fields(RecordKind::kHead); }),
              testing::HasSubstr("must be of kind head"));
  EXPECT_THAT(refusal(ErrorKind::kFormat, [&] { Reader(path_, key()).end(); }), testing::HasSubstr("of kind end"));
}

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, SnapshotFile, testing::Bool());

class SnapshotHeader : public testing::Test {
 protected:
  std::string refusal_of(std::string_view text, ErrorKind kind) const {
    write_file(folder_ / "file", std::as_bytes(std::span(text)));
    return refusal(kind, [&] { Reader(folder_ / "file", {}); });
  }
  const TempDir folder_;
  const io::FileOps ops_{};
  const Bytes key_ = some_bytes(kKeyBytes, 1);
};

TEST_F(SnapshotHeader, ForeignFilesAreNamed) {
  EXPECT_THAT(refusal_of("", ErrorKind::kFormat), testing::HasSubstr("0 bytes"));
  EXPECT_THAT(refusal_of(std::string(500, 'x'), ErrorKind::kFormat), testing::HasSubstr("is no snapshot"));
  EXPECT_THAT(refusal(ErrorKind::kIo, [&] { Reader(folder_ / "none", {}); }), testing::HasSubstr("none: cannot open"));
  EXPECT_THAT(refusal(ErrorKind::kIo, [&] { Reader(folder_.path(), {}); }), testing::HasSubstr("is a folder"));
  EXPECT_THAT(refusal(ErrorKind::kIo, [&] { Reader("/dev/zero", {}); }), testing::HasSubstr("not a regular file"));
}

TEST_F(SnapshotHeader, OtherVersionsAreNamed) {
  Header header;
  header.version = kVersion + 1;
  const HeaderBytes bytes = header.encode();
  EXPECT_THAT(refusal_of({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, ErrorKind::kUnsupported),
              testing::HasSubstr("version 5, this pith reads versions 1 to 4"));
}

TEST_F(SnapshotHeader, KeysAreAskedForAndCompared) {
  const std::filesystem::path path = folder_ / "file";
  {
    Writer writer(path, key_, ops_);
    writer.record(RecordKind::kTokens, key_);
    writer.finish();
  }
  EXPECT_THAT(refusal(ErrorKind::kInvalidArgument, [&] { Reader(path, {}); }), testing::HasSubstr("no key was given"));
  EXPECT_THAT(refusal(ErrorKind::kInvalidArgument, [&] { Reader(path, some_bytes(kKeyBytes, 2)); }),
              testing::HasSubstr("another key"));
  EXPECT_THAT(refusal(ErrorKind::kInvalidArgument, [&] { Reader(path, some_bytes(31, 2)); }),
              testing::HasSubstr("31 bytes, must have 32"));
  // Whoever gives a key must not get a file that anybody could have written.
  {
    Writer writer(folder_ / "plain", {}, ops_);
    writer.record(RecordKind::kTokens, key_);
    writer.finish();
  }
  EXPECT_THAT(refusal(ErrorKind::kInvalidArgument, [&] { Reader(folder_ / "plain", key_); }),
              testing::HasSubstr("is not encrypted"));
  EXPECT_THAT(refusal(ErrorKind::kInvalidArgument, [&] { Writer(path, some_bytes(33, 2), ops_); }),
              testing::HasSubstr("33 bytes"));
  // Neither the key nor the plain text is in the file, and the same content is encrypted differently each time.
  const Bytes bytes = read_all(path);
  EXPECT_EQ(std::search(bytes.begin(), bytes.end(), key_.begin(), key_.end()), bytes.end());
  {
    Writer writer(path, key_, ops_);
    writer.record(RecordKind::kTokens, key_);
    writer.finish();
  }
  const Bytes again = read_all(path);
  ASSERT_EQ(again.size(), bytes.size());
  EXPECT_FALSE(std::equal(again.end() - 64, again.end(), bytes.end() - 64));
}

TEST_F(SnapshotHeader, ChunksOfAnotherFileOfTheSameKeyAreRefused) {
  std::vector<Bytes> files;
  for (const char* name : {"a", "b"}) {
    Writer writer(folder_ / name, key_, ops_);
    writer.record(RecordKind::kTokens, key_);
    writer.finish();
    files.push_back(read_all(folder_ / name));
  }
  Bytes mixed = files[0];
  std::copy(files[1].begin() + kHeaderBytes, files[1].end(), mixed.begin() + kHeaderBytes);
  write_file(folder_ / "mixed", mixed);
  EXPECT_THAT(refusal(ErrorKind::kFormat, [&] { Reader(folder_ / "mixed", key_).verify(); }),
              testing::HasSubstr("chunk 0 is not what was encrypted"));
}

}  // namespace
}  // namespace pith::snapshot
