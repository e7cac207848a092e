#pragma once

#include <pith/session_options.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "support/gguf_writer.h"
#include "support/tiny_model.h"

// Takes snapshots apart and puts them together with correct hashes. Hashes find all damage, and the code after them
// must be reached too.
namespace pith::fuzz {

struct SnapshotRecord {
  std::uint32_t kind = 0;
  test::Bytes bytes;
};

/// Returns the records of an unencrypted file; nullopt if their sizes do not add up. Hashes are not checked.
std::optional<std::vector<SnapshotRecord>> read_records(std::span<const std::byte> file);

/// Returns a file of these records, with hashes.
test::Bytes write_records(std::span<const SnapshotRecord> records);

/// The model that snapshots are restored to.
test::TinyModelSpec snapshot_model();

/// The sessions whose snapshots are seeds, and the tokens that were fed to them.
struct SnapshotSeed {
  const char* name;
  SessionOptions options;
  std::size_t tokens;
};
std::vector<SnapshotSeed> snapshot_seeds();

}  // namespace pith::fuzz
