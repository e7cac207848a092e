#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <cstring>
#include <string>
#include <vector>

#include "io/fields.h"
#include "snapshot/reader.h"
#include "snapshot/writer.h"
#include "support/tiny_model.h"

// Snapshots whose hashes are right, and each of whose fields says what no session would have written.
namespace pith::test {
namespace {

/// What is written is read at once and never again.
class NoSync : public io::FileOps {
 public:
  int sync(int) const override { return 0; }
  int sync_folder(const char*) const override { return 0; }
};

struct Record {
  snapshot::RecordKind kind;
  std::vector<std::byte> content;
};

std::vector<Record> records_of(const std::filesystem::path& path) {
  const std::string bytes = read_file(path);
  std::vector<Record> records;
  for (std::size_t at = snapshot::kHeaderBytes; at < bytes.size();) {
    snapshot::RecordHeader header;
    std::memcpy(&header, &bytes[at], sizeof header);
    const auto* data = reinterpret_cast<const std::byte*>(&bytes[at + sizeof header]);
    records.push_back({static_cast<snapshot::RecordKind>(header.kind), {data, data + header.size}});
    at += sizeof header + header.size + sizeof(std::uint64_t);
  }
  records.pop_back();
  return records;
}

class HostileSnapshot : public testing::Test {
 protected:
  void write(const std::vector<Record>& records) const {
    snapshot::Writer writer(path_, {}, ops_, version_);
    for (const Record& record : records) writer.record(record.kind, record.content);
    writer.finish();
  }
  /// True if it is refused by an Error that names it; otherwise it is a session to go on with.
  bool is_refused() const {
    try {
      Session session = Session::restore(model_, path_);
      try {
        session.feed(std::vector<Token>(70, 7));
        session.step();
      } catch (const Error&) {
        // A context that is full, sums that are not numbers.
      }
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::StartsWith(path_.string() + ": "));
      return true;
    }
    return false;
  }

  const TempDir folder_;
  const NoSync ops_{};
  const std::filesystem::path path_ = folder_ / "session.pith";
  std::uint32_t version_ = snapshot::kVersionWithoutHoles;
  const Model model_ =
      Model::load(write_tiny_model({.embedding = 32, .layers = 1, .heads = 1, .kv_heads = 1}, folder_), {.threads = 1});
};

/// Of a session that evicts, and of one that tokens were taken out of.
class HostileFields : public HostileSnapshot, public testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(, HostileFields, testing::Bool(),
                         [](const auto& test) { return test.param ? "dropped" : "evicted"; });

TEST_P(HostileFields, SetToHostileNumbers) {
  SessionOptions options{.kv = {.key = "int4"}, .threads = 1};
  if (!GetParam()) {
    options.eviction.policy = "h2o";
    options.eviction.budget_tokens = 256;
  }
  {
    Session session(model_, options);
    session.feed(std::vector<Token>(400, 5));
    if (GetParam()) session.drop(20, 100);
    session.save(path_);
  }
  version_ = static_cast<std::uint32_t>(snapshot_info(path_).version);
  const std::vector<Record> sound = records_of(path_);
  constexpr std::uint64_t kNumbers[] = {0,
                                        0x7FFFFFFF,
                                        0xFFFFFFFF,
                                        std::uint64_t{1} << 40,
                                        std::uint64_t{1} << 61,
                                        std::uint64_t{1} << 63,
                                        0x7FF8000000000000,
                                        ~std::uint64_t{0}};
  constexpr std::size_t kStep = PITH_SANITIZED != 0 ? 23 : 3;
  // The numbers of a record lie in its first part; what follows are arrays.
  constexpr std::size_t kReach = 400;
  int refused = 0;
  int tried = 0;
  for (std::size_t r = 0; r < sound.size(); ++r) {
    if (sound[r].kind == snapshot::RecordKind::kPage) continue;
    const std::size_t size = std::min(sound[r].content.size(), kReach);
    for (std::size_t at = 0; at + sizeof(std::uint64_t) <= size; at += kStep) {
      std::vector<Record> records = sound;
      std::memcpy(&records[r].content[at], &kNumbers[static_cast<std::size_t>(tried) % std::size(kNumbers)],
                  sizeof(std::uint64_t));
      write(records);
      refused += is_refused() ? 1 : 0;
      ++tried;
    }
  }
  EXPECT_GT(refused, tried / 3) << tried;
}

TEST_F(HostileSnapshot, EveryRecordAbsentTwiceOrCut) {
  {
    Session session(model_, {.kv = {.key = "int4"}, .threads = 1});
    session.feed(std::vector<Token>(150, 5));
    session.save(path_);
  }
  const std::vector<Record> sound = records_of(path_);
  for (std::size_t r = 0; r < sound.size(); ++r) {
    std::vector<Record> records = sound;
    records.erase(records.begin() + static_cast<std::ptrdiff_t>(r));
    write(records);
    EXPECT_TRUE(is_refused()) << "without record " << r;
    records = sound;
    records.insert(records.begin() + static_cast<std::ptrdiff_t>(r), sound[r]);
    write(records);
    EXPECT_TRUE(is_refused()) << "with record " << r << " twice";
    for (const std::size_t size : {std::size_t{0}, sound[r].content.size() / 2, sound[r].content.size() - 1}) {
      records = sound;
      records[r].content.resize(size);
      write(records);
      EXPECT_TRUE(is_refused()) << "with " << size << " bytes of record " << r;
    }
    records = sound;
    records[r].content.push_back(std::byte{0});
    write(records);
    EXPECT_TRUE(is_refused()) << "with a byte more in record " << r;
  }
}

}  // namespace
}  // namespace pith::test
