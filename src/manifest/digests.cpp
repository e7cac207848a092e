#include "manifest/digests.h"

#include <algorithm>
#include <cstring>

#include "io/digest.h"
#include "io/fields.h"

namespace pith::manifest {
namespace {

/// Bytes hashed at once, few enough that a copied piece is still in the processor's cache.
constexpr std::size_t kPieceBytes = std::size_t{1} << 17;

std::string digest_of(const gguf::Value& value) {
  io::FieldWriter head;
  head.put(static_cast<std::uint32_t>(value.type));
  if (value.is_array()) {
    head.put(static_cast<std::uint32_t>(value.element));
    head.put(static_cast<std::uint64_t>(value.count));
  }
  io::Sha256 sha;
  sha.add(head.bytes());
  sha.add(value.bytes);
  return io::to_hex(sha.finish());
}

}  // namespace

Manifest::Tensor describe_tensor(const gguf::TensorInfo& tensor) {
  return {tensor.name, std::string(gguf::type_info(tensor.type).name), tensor.dims, ""};
}

std::vector<Manifest::Key> describe_metadata(const gguf::Metadata& metadata) {
  std::vector<Manifest::Key> keys;
  for (const auto& [key, value] : metadata.entries())
    keys.push_back({std::string(key), gguf::type_text(value), digest_of(value)});
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return keys;
}

std::string digest_of(std::span<const std::byte> bytes, const std::function<void(std::size_t bytes)>& on_piece) {
  io::Sha256 sha;
  while (!bytes.empty()) {
    const auto piece = bytes.first(std::min(bytes.size(), kPieceBytes));
    sha.add(piece);
    on_piece(piece.size());
    bytes = bytes.subspan(piece.size());
  }
  return io::to_hex(sha.finish());
}

std::string copy_and_digest(std::span<const std::byte> from, std::span<std::byte> to) {
  io::Sha256 sha;
  for (std::size_t at = 0; at < from.size(); at += kPieceBytes) {
    const std::size_t size = std::min(kPieceBytes, from.size() - at);
    std::memcpy(to.data() + at, from.data() + at, size);
    sha.add(to.subspan(at, size));
  }
  return io::to_hex(sha.finish());
}

}  // namespace pith::manifest
