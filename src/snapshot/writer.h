#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "io/atomic_file.h"
#include "io/digest.h"
#include "snapshot/cipher.h"
#include "snapshot/header.h"
#include "snapshot/record.h"

namespace pith::snapshot {

/// Writes a snapshot's file as a stream of records. Holds one chunk, whatever the file's size. Leaves nothing behind
/// unless finish() is called.
class Writer {
 public:
  /// `key` is empty, or kKeyBytes long to encrypt with. Throws Error: kInvalidArgument for a key of another length;
  /// kIo, as all members do. `ops` must outlive the object. The records must be those of `version`.
  Writer(const std::filesystem::path& path, std::span<const std::byte> key, const io::FileOps& ops,
         std::uint32_t version = kVersionWithoutHoles);
  Writer(const std::filesystem::path& path, std::span<const std::byte> key, const io::FileOps&& ops,
         std::uint32_t version = kVersionWithoutHoles) = delete;

  void record(RecordKind kind, std::span<const std::byte> bytes);
  /// Ends the file and puts it in its place.
  void finish();

 private:
  void put(std::span<const std::byte> bytes);
  void begin_record(RecordKind kind, std::size_t size);
  void end_record();
  void flush(bool last);

  io::AtomicFile file_;
  std::optional<ChunkCipher> cipher_;
  std::vector<std::byte> chunk_;  ///< [kChunkBytes + kTagBytes]
  std::size_t filled_ = 0;
  std::uint64_t chunks_ = 0;
  std::uint32_t records_ = 0;
  io::Sha256 sha_;
  io::Xxh3 hash_;
};

}  // namespace pith::snapshot
