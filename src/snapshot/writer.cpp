#include "snapshot/writer.h"

#include <algorithm>
#include <cstring>

#include "base/fail.h"

namespace pith::snapshot {

Writer::Writer(const std::filesystem::path& path, std::span<const std::byte> key, const io::FileOps& ops,
               std::uint32_t version)
    : file_(path, ops), chunk_(kChunkBytes + kTagBytes) {
  Header header{.version = version};
  header.encrypted = !key.empty();
  if (header.encrypted) cipher_ = ChunkCipher::make(key, header);
  const HeaderBytes bytes = header.encode();
  sha_.add(bytes);
  file_.write(bytes);
}

void Writer::record(RecordKind kind, std::span<const std::byte> bytes) {
  begin_record(kind, bytes.size());
  hash_.add(bytes);
  sha_.add(bytes);
  put(bytes);
  end_record();
}

void Writer::finish() {
  begin_record(RecordKind::kEnd, sizeof(io::Digest));
  const io::Digest digest = sha_.finish();
  hash_.add(digest);
  put(digest);
  const std::uint64_t hash = hash_.value();
  put(std::as_bytes(std::span(&hash, 1)));
  flush(true);
  file_.commit();
}

void Writer::begin_record(RecordKind kind, std::size_t size) {
  const RecordHeader header = {static_cast<std::uint32_t>(kind), records_++, size};
  const auto bytes = std::as_bytes(std::span(&header, 1));
  hash_.reset();
  hash_.add(bytes);
  sha_.add(bytes);
  put(bytes);
}

void Writer::end_record() {
  const std::uint64_t hash = hash_.value();
  const auto bytes = std::as_bytes(std::span(&hash, 1));
  sha_.add(bytes);
  put(bytes);
}

void Writer::put(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    // A full chunk is written only when more bytes come, since the last chunk must be marked as such.
    if (filled_ == kChunkBytes) flush(false);
    const std::size_t size = std::min(bytes.size(), kChunkBytes - filled_);
    std::memcpy(&chunk_[filled_], bytes.data(), size);
    filled_ += size;
    bytes = bytes.subspan(size);
  }
}

void Writer::flush(bool last) {
  std::span<std::byte> bytes = std::span(chunk_).first(filled_);
  if (cipher_) {
    bytes = std::span(chunk_).first(filled_ + kTagBytes);
    cipher_->seal(chunks_, last, bytes);
  }
  file_.write(bytes);
  ++chunks_;
  filled_ = 0;
}

}  // namespace pith::snapshot
