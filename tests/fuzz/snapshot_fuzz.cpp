// Restores bytes as a session's snapshot, mostly with correct hashes: it is refused, or the session continues and can
// be saved again.
#include <pith/pith.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <random>
#include <vector>

#include "fuzz/fuzz.h"
#include "fuzz/gguf_edit.h"
#include "fuzz/snapshot_edit.h"
#include "session/snapshot.h"
#include "support/paths.h"

namespace pith::fuzz {
namespace {

const Model& tiny_model() {
  static const test::TempDir folder;
  static const Model model = Model::load(test::write_tiny_model(snapshot_model(), folder), {.threads = 1});
  return model;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::ranges::equal(
      a, b, [](float x, float y) { return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y); });
}

/// Checks that the session can continue, whatever its pages hold. Sums of arbitrary numbers may be infinite.
void go_on(Session& session, std::size_t tokens) {
  try {
    session.feed(std::vector<Token>(tokens, 7));
    session.step();
    session.compact(64);
    session.step();
  } catch (const Error& error) {
    check_error(error);
    require(error.kind() == ErrorKind::kNumeric || error.kind() == ErrorKind::kContextFull ||
                error.kind() == ErrorKind::kInvalidArgument,
            error.what());
  }
}

/// Skips syncing: what is written is read at once and never again.
class UnsyncedOps : public io::FileOps {
 public:
  int sync(int) const override { return 0; }
  int sync_folder(const char*) const override { return 0; }
};

void check_saved_again(const Session& session, const SnapshotOptions& options) {
  static const test::TempDir folder;
  const std::filesystem::path path = folder / "again.pith";
  session::save(session, path, options, UnsyncedOps());
  const Session again = Session::restore(tiny_model(), path, options);
  require(std::ranges::equal(again.tokens(), session.tokens()), "a session saved again has the same tokens");
  if (session.position() > 0) require(same_bits(again.logits(), session.logits()), "and the same logits");
  require(again.kv_stats().bytes == session.kv_stats().bytes, "and the same cache");
}

void run(std::span<const std::byte> bytes) {
  const MemoryFile file(bytes);
  const SnapshotOptions options{.threads = 1};
  const bool named = !refused([&] { snapshot_info(file.path(), options); });
  const bool whole = !refused([&] { verify_snapshot(file.path(), options); });
  refused([&] {
    Session session = Session::restore(tiny_model(), file.path(), options);
    require(whole && named, "what is restored is whole");
    check_saved_again(session, options);
    // Now and then to the end of a page, which takes long.
    go_on(session, bytes.size() % 8 == 0 ? 70 : 3);
  });
}

/// Mutates one record's bytes, the order of the records, or their number.
void mutate_records(std::vector<SnapshotRecord>& records, std::mt19937& random) {
  const auto chosen = static_cast<std::size_t>(random() % records.size());
  SnapshotRecord& record = records[chosen];
  switch (random() % 16) {
    case 0:
      records.erase(records.begin() + static_cast<std::ptrdiff_t>(chosen));
      return;
    case 1:
      std::swap(record, records[random() % records.size()]);
      return;
    case 2:
      records.insert(records.begin() + static_cast<std::ptrdiff_t>(random() % records.size()), SnapshotRecord(record));
      return;
    case 3:
      record.kind = static_cast<std::uint32_t>(random() % 10);
      return;
    default:
      break;
  }
  // Fields of eight bytes are numbers, so change their values.
  if (random() % 3 == 0 && record.bytes.size() >= sizeof(std::uint64_t)) {
    const std::uint64_t number = random() % 2 == 0 ? std::uint64_t{1} << random() % 64 : random() % 300;
    const std::size_t size = std::size_t{1} << random() % 4;
    std::memcpy(&record.bytes[random() % (record.bytes.size() - size + 1)], &number, size);
    return;
  }
  const std::size_t size = record.bytes.size();
  record.bytes.resize(size + 16);
  record.bytes.resize(
      LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(record.bytes.data()), size, record.bytes.size()));
}

std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t size_max, unsigned seed) {
  std::mt19937 random(seed);
  if (random() % 8 != 0) {
    auto records = read_records(std::as_bytes(std::span(data, size)));
    if (records && !records->empty()) {
      mutate_records(*records, random);
      const test::Bytes bytes = write_records(*records);
      if (bytes.size() <= size_max) {
        std::memcpy(data, bytes.data(), bytes.size());
        return bytes.size();
      }
    }
  }
  return LLVMFuzzerMutate(data, size, size_max);
}

}  // namespace
}  // namespace pith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pith::fuzz::run(std::as_bytes(std::span(data, size)));
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t size_max,
                                               unsigned seed) {
  return pith::fuzz::mutate(data, size, size_max, seed);
}
