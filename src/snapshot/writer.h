#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "snapshot/atomic_file.h"
#include "snapshot/cipher.h"
#include "snapshot/digest.h"
#include "snapshot/record.h"

namespace pith::snapshot {

/// Writes a snapshot's file as a stream of records. Holds one chunk, whatever the file's size. What is not finished
/// leaves no trace.
class Writer {
 public:
  /// `key`: empty, or kKeyBytes to encrypt with. Throws Error: kIo, kInvalidArgument for a key of another length, as
  /// all members do. The calls must outlive it.
  Writer(const std::filesystem::path& path, std::span<const std::byte> key, const FileOps& ops);
  Writer(const std::filesystem::path& path, std::span<const std::byte> key, const FileOps&& ops) = delete;

  void record(RecordKind kind, std::span<const std::byte> bytes);
  /// Ends the file and puts it in its place.
  void finish();

 private:
  void put(std::span<const std::byte> bytes);
  void begin_record(RecordKind kind, std::size_t size);
  void end_record();
  void flush(bool last);

  AtomicFile file_;
  std::optional<ChunkCipher> cipher_;
  std::vector<std::byte> chunk_;  ///< [kChunkBytes + kTagBytes]
  std::size_t filled_ = 0;
  std::uint64_t chunks_ = 0;
  std::uint32_t records_ = 0;
  Sha256 sha_;
  Xxh3 hash_;
};

}  // namespace pith::snapshot
