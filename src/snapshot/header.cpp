#include "snapshot/header.h"

#include <algorithm>
#include <cstring>

#include "base/fail.h"
#include "io/digest.h"

namespace pith::snapshot {
namespace {

constexpr std::string_view kMagic = "PITHSNAP";
constexpr std::uint32_t kEncrypted = 1;

constexpr std::size_t kVersionAt = 8;
constexpr std::size_t kFlagsAt = 12;
constexpr std::size_t kSaltAt = 16;
constexpr std::size_t kKeyCheckAt = kSaltAt + kSaltBytes;
constexpr std::size_t kHashAt = kKeyCheckAt + kKeyCheckBytes;
static_assert(kHashAt + sizeof(std::uint64_t) == kHeaderBytes);

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t at) {
  T value{};
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

}  // namespace

HeaderBytes Header::encode() const {
  HeaderBytes bytes{};
  const std::uint32_t flags = encrypted ? kEncrypted : 0;
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  std::memcpy(bytes.data() + kVersionAt, &version, sizeof version);
  std::memcpy(bytes.data() + kFlagsAt, &flags, sizeof flags);
  std::memcpy(bytes.data() + kSaltAt, salt.data(), salt.size());
  std::memcpy(bytes.data() + kKeyCheckAt, key_check.data(), key_check.size());
  const std::uint64_t hash = io::xxh3(std::span(bytes).first(kHashAt));
  std::memcpy(bytes.data() + kHashAt, &hash, sizeof hash);
  return bytes;
}

Header Header::decode(std::span<const std::byte, kHeaderBytes> bytes, std::string_view path) {
  if (std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    fail(ErrorKind::kFormat, "{}: is no snapshot: it does not begin with \"{}\"", path, kMagic);
  }
  Header header;
  header.version = load<std::uint32_t>(bytes, kVersionAt);
  if (header.version < kOldestVersion || header.version > kVersion) {
    fail(ErrorKind::kUnsupported, "{}: is a snapshot of version {}, this pith reads versions {} to {}", path,
         header.version, kOldestVersion, kVersion);
  }
  if (io::xxh3(bytes.first(kHashAt)) != load<std::uint64_t>(bytes, kHashAt)) {
    fail(ErrorKind::kFormat, "{}: the header is damaged: its hash is another one", path);
  }
  const auto flags = load<std::uint32_t>(bytes, kFlagsAt);
  if (flags > kEncrypted) fail(ErrorKind::kUnsupported, "{}: the header has flags {:#x}, known is 0x1", path, flags);
  header.encrypted = flags == kEncrypted;
  std::memcpy(header.salt.data(), bytes.data() + kSaltAt, header.salt.size());
  std::memcpy(header.key_check.data(), bytes.data() + kKeyCheckAt, header.key_check.size());
  return header;
}

}  // namespace pith::snapshot
