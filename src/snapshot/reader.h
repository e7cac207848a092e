#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "io/digest.h"
#include "io/fields.h"
#include "io/input_file.h"
#include "snapshot/cipher.h"
#include "snapshot/header.h"
#include "snapshot/record.h"

namespace pith::snapshot {

/// Reads and checks a file's header. Throws Error as Reader does.
Header read_header(const io::InputFile& file);

/// Reads a snapshot's file as a stream of records. Holds one chunk and what the caller asks for: sizes stated in the
/// file are checked against the file's size, and against what the caller asks for, before memory is allocated. All
/// members throw Error: kFormat for anything that Writer would not have written, kIo.
class Reader {
 public:
  /// Reads the header. `key` must be given if the file is encrypted, and empty if it is not, else throws
  /// Error(kInvalidArgument). Throws Error(kUnsupported) for an unknown version.
  Reader(const std::filesystem::path& path, std::span<const std::byte> key);

  const std::string& path() const { return file_.path(); }
  /// Returns the version that the file was written in, between kOldestVersion and kVersion.
  std::uint32_t version() const { return header_.version; }

  /// Reads the whole file and verifies every hash. Afterwards reading starts at the first record again.
  void verify();

  /// Reads the next record, which must be of this kind and not longer than kFieldBytesMax. Valid until the next call.
  io::FieldReader fields(RecordKind kind);
  /// Reads the next record, which must be a page of this size.
  RawBuffer page(std::size_t size);
  /// Reads the record that ends the file; nothing may follow it.
  void end();

 private:
  static constexpr std::uint64_t kFieldBytesMax = std::uint64_t{1} << 30U;

  std::string where() const;
  std::uint64_t begin_record(RecordKind kind);
  RecordHeader next_header();
  void end_record();
  void get(std::span<std::byte> bytes);
  /// Returns the next 1 to `most` bytes. At least `most` bytes must be left.
  std::span<const std::byte> some(std::uint64_t most);
  void refill();
  std::uint64_t plain_size() const;
  void rewind();
  /// Reads the rest of the end record, whose header was read.
  io::Digest end_digest();

  io::InputFile file_;
  Header header_;
  std::optional<ChunkCipher> cipher_;
  std::vector<std::byte> chunk_;  ///< [kChunkBytes + kTagBytes]
  std::size_t chunk_at_ = 0, chunk_end_ = 0;
  std::uint64_t chunks_ = 0;
  std::uint64_t file_at_ = kHeaderBytes;
  /// Bytes of records that have not been read yet.
  std::uint64_t left_ = 0;
  RecordHeader record_;
  std::uint32_t records_ = 0;
  io::Xxh3 hash_;
  std::vector<std::byte> fields_;
};

}  // namespace pith::snapshot
