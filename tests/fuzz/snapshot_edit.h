#pragma once

#include <pith/options.h>

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "support/gguf_writer.h"
#include "support/tiny_model.h"

// Snapshots taken apart and put together with the right hashes: they find damage, and what lies behind must be reached.
namespace pith::fuzz {

struct SnapshotRecord {
  std::uint32_t kind = 0;
  test::Bytes bytes;
};

/// The records of a file that is not encrypted; nullopt where their sizes do not add up. Hashes are not looked at.
std::optional<std::vector<SnapshotRecord>> read_records(std::span<const std::byte> file);

/// A file of these records, hashed.
test::Bytes write_records(std::span<const SnapshotRecord> records);

/// The model that snapshots are restored to.
test::TinyModelSpec snapshot_model();

/// The sessions whose snapshots are seeds; tokens that were fed to them.
struct SnapshotSeed {
  const char* name;
  SessionOptions options;
  std::size_t tokens;
};
std::vector<SnapshotSeed> snapshot_seeds();

}  // namespace pith::fuzz
