#include "snapshot/reader.h"

#include <algorithm>
#include <cstring>

#include "base/fail.h"

namespace pith::snapshot {

const char* to_string(RecordKind kind) noexcept {
  switch (kind) {
    case RecordKind::kFingerprint:
      return "fingerprint";
    case RecordKind::kSession:
      return "session";
    case RecordKind::kTokens:
      return "tokens";
    case RecordKind::kLogits:
      return "logits";
    case RecordKind::kCache:
      return "cache";
    case RecordKind::kHead:
      return "head";
    case RecordKind::kPage:
      return "page";
    case RecordKind::kEnd:
      return "end";
    case RecordKind::kState:
      return "state";
  }
  return "unknown";
}

Header read_header(const io::InputFile& file) {
  if (file.size() < kHeaderBytes) {
    fail(ErrorKind::kFormat, "{}: is no snapshot, or one that was cut off: it has {} bytes, a header has {}",
         file.path(), file.size(), kHeaderBytes);
  }
  HeaderBytes bytes{};
  file.read(0, bytes);
  return Header::decode(bytes, file.path());
}

Reader::Reader(const std::filesystem::path& path, std::span<const std::byte> key)
    : file_(path), header_(read_header(file_)), chunk_(kChunkBytes + kTagBytes) {
  if (header_.encrypted) {
    if (key.empty()) fail(ErrorKind::kInvalidArgument, "{}: is encrypted, and no key was given", this->path());
    cipher_ = ChunkCipher::open(key, header_, this->path());
  } else if (!key.empty()) {
    // Whoever gives a key relies on it: anybody could replace an encrypted file by one that is not.
    fail(ErrorKind::kInvalidArgument, "{}: is not encrypted, and a key was given", this->path());
  }
  rewind();
}

void Reader::rewind() {
  chunk_at_ = chunk_end_ = 0;
  chunks_ = 0;
  file_at_ = kHeaderBytes;
  left_ = plain_size();
  records_ = 0;
}

std::uint64_t Reader::plain_size() const {
  const std::uint64_t stored = file_.size() - kHeaderBytes;
  if (!cipher_) return stored;
  constexpr std::uint64_t kStoredChunk = kChunkBytes + kTagBytes;
  const std::uint64_t tags = (stored + kStoredChunk - 1) / kStoredChunk * kTagBytes;
  if (tags > stored || (stored % kStoredChunk != 0 && stored % kStoredChunk <= kTagBytes)) {
    fail(ErrorKind::kFormat, "{}: ends in the middle of a chunk: something was cut off", path());
  }
  return stored - tags;
}

std::string Reader::where() const {
  const bool known = record_.kind >= 1 && record_.kind <= kRecordKinds;
  return fmt::format("{}: record {} ({})", path(), records_ == 0 ? 0 : records_ - 1,
                     known ? to_string(static_cast<RecordKind>(record_.kind)) : "unknown");
}

void Reader::refill() {
  const std::uint64_t tag = cipher_ ? kTagBytes : 0;
  const std::uint64_t stored = std::min(file_.size() - file_at_, kChunkBytes + tag);
  const std::span<std::byte> bytes = std::span(chunk_).first(static_cast<std::size_t>(stored));
  file_.read(file_at_, bytes);
  file_at_ += stored;
  if (cipher_ && !cipher_->unseal(chunks_, file_at_ == file_.size(), bytes)) {
    fail(ErrorKind::kFormat, "{}: chunk {} is not what was encrypted: it was damaged, moved or cut", path(), chunks_);
  }
  ++chunks_;
  chunk_at_ = 0;
  chunk_end_ = static_cast<std::size_t>(stored - tag);
}

void Reader::get(std::span<std::byte> bytes) {
  if (bytes.size() > left_) {
    fail(ErrorKind::kFormat, "{}: ends too early: {} bytes are missing at the least", where(), bytes.size() - left_);
  }
  while (!bytes.empty()) {
    const std::span<const std::byte> next = some(bytes.size());
    std::memcpy(bytes.data(), next.data(), next.size());
    bytes = bytes.subspan(next.size());
  }
}

std::span<const std::byte> Reader::some(std::uint64_t most) {
  if (chunk_at_ == chunk_end_) refill();
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(most, chunk_end_ - chunk_at_));
  const std::span<const std::byte> bytes = std::span(chunk_).subspan(chunk_at_, size);
  chunk_at_ += size;
  left_ -= size;
  return bytes;
}

RecordHeader Reader::next_header() {
  RecordHeader header;
  get(std::as_writable_bytes(std::span(&header, 1)));
  record_ = header;
  ++records_;
  if (header.kind == 0 || header.kind > kRecordKinds) {
    fail(ErrorKind::kFormat, "{}: its kind is {}, known are 1 to {}", where(), header.kind, kRecordKinds);
  }
  if (header.number != records_ - 1) {
    fail(ErrorKind::kFormat, "{}: its number is {}: the file was damaged or put together anew", where(), header.number);
  }
  if (header.size > left_) {
    fail(ErrorKind::kFormat, "{}: it says that it has {} bytes, {} are left in the file", where(), header.size, left_);
  }
  hash_.reset();
  hash_.add(std::as_bytes(std::span(&header, 1)));
  return header;
}

void Reader::end_record() {
  std::uint64_t stored = 0;
  const std::uint64_t hash = hash_.value();
  get(std::as_writable_bytes(std::span(&stored, 1)));
  if (stored != hash) {
    fail(ErrorKind::kFormat, "{}: it is damaged: its hash is {:016x}, the file states {:016x}", where(), hash, stored);
  }
}

void Reader::verify() {
  rewind();
  io::Sha256 sha;
  sha.add(header_.encode());
  for (;;) {
    const RecordHeader header = next_header();
    sha.add(std::as_bytes(std::span(&header, 1)));
    if (static_cast<RecordKind>(header.kind) == RecordKind::kEnd) break;
    for (std::uint64_t left = header.size; left != 0;) {
      const std::span<const std::byte> bytes = some(left);
      hash_.add(bytes);
      sha.add(bytes);
      left -= bytes.size();
    }
    end_record();
    const std::uint64_t hash = hash_.value();
    sha.add(std::as_bytes(std::span(&hash, 1)));
  }
  const io::Digest digest = sha.finish();
  const io::Digest stated = end_digest();
  if (stated != digest) {
    fail(ErrorKind::kFormat, "{}: it is damaged: its SHA-256 is {}, the file states {}", path(), io::to_hex(digest),
         io::to_hex(stated));
  }
  rewind();
}

io::Digest Reader::end_digest() {
  io::Digest digest{};
  if (record_.size != digest.size()) {
    fail(ErrorKind::kFormat, "{}: it has {} bytes, must have {}", where(), record_.size, digest.size());
  }
  get(digest);
  hash_.add(digest);
  end_record();
  if (left_ != 0) fail(ErrorKind::kFormat, "{}: {} bytes follow the end", path(), left_);
  return digest;
}

std::uint64_t Reader::begin_record(RecordKind kind) {
  const RecordHeader header = next_header();
  if (static_cast<RecordKind>(header.kind) != kind) {
    fail(ErrorKind::kFormat, "{}: the next record must be of kind {}", where(), to_string(kind));
  }
  return header.size;
}

io::FieldReader Reader::fields(RecordKind kind) {
  const std::uint64_t size = begin_record(kind);
  if (size > kFieldBytesMax) {
    fail(ErrorKind::kFormat, "{}: it has {} bytes, allowed are {}", where(), size, kFieldBytesMax);
  }
  fields_.resize(static_cast<std::size_t>(size));
  get(fields_);
  hash_.add(fields_);
  end_record();
  return {fields_, where()};
}

RawBuffer Reader::page(std::size_t size) {
  const std::uint64_t stated = begin_record(RecordKind::kPage);
  if (stated != size) fail(ErrorKind::kFormat, "{}: it has {} bytes, must have {}", where(), stated, size);
  RawBuffer page(size);
  const std::span<std::byte> bytes(page.data(), page.size());
  get(bytes);
  hash_.add(bytes);
  end_record();
  return page;
}

void Reader::end() {
  begin_record(RecordKind::kEnd);
  end_digest();
}

}  // namespace pith::snapshot
