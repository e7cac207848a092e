// Reads snapshots from a device that returns less than asked for, is interrupted or fails, or whose file ends early.
#include <gtest/gtest.h>
#include <pith/pith.h>

#include <filesystem>
#include <string>
#include <vector>

#include "fault/failing_reads.h"
#include "support/session_inputs.h"
#include "support/tiny_model.h"

namespace pith::test {
namespace {

class SnapshotReads : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    session_.feed(std::vector<Token>(150, 7));
    session_.save(path_, options_);
  }

  Session restore() const { return Session::restore(model_, path_, options_); }

  const std::vector<std::byte> key_ = std::vector<std::byte>(32, std::byte{9});
  const SnapshotOptions options_ = {.key = GetParam() ? std::span<const std::byte>(key_) : std::span<const std::byte>(),
                                    .threads = 1};
  const TempDir folder_;
  const std::filesystem::path path_ = folder_ / "s.pith";
  const Model model_ = Model::load(write_tiny_model({}, folder_));
  Session session_ = Session(model_, {.kv = {"int4"}, .threads = 1});
};

TEST_P(SnapshotReads, ThatFallShortOrAreInterruptedAreTakenUp) {
  for (const std::size_t bytes_max : {0U, 1U, 7U, 4096U}) {
    if (bytes_max == 1 && PITH_SANITIZED != 0) continue;
    const FailingReads reads({.bytes_max = bytes_max, .interrupted = true});
    EXPECT_EQ(logits_of(restore()), logits_of(session_)) << bytes_max;
    EXPECT_GT(reads.calls(), 0);
  }
}

TEST_P(SnapshotReads, ThatFailAreErrorsWhicheverTheyAre) {
  for (const bool ends : {false, true}) {
    int failures = 0;
    for (long good = 0;; ++good) {
      bool done = false;
      {
        const FailingReads reads({.bytes_max = 2000, .good_calls = good, .ends = ends});
        try {
          restore();
          done = reads.calls() <= good;
        } catch (const Error& e) {
          ++failures;
          EXPECT_EQ(e.kind(), ErrorKind::kIo) << e.what();
          EXPECT_NE(std::string(e.what()).find(path_.string()), std::string::npos) << e.what();
        }
      }
      if (done || HasFailure()) break;
    }
    EXPECT_GT(failures, 10);
  }
  EXPECT_EQ(logits_of(restore()), logits_of(session_));
}

INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, SnapshotReads, testing::Bool());

}  // namespace
}  // namespace pith::test
