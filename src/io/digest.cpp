#include "io/digest.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <xxhash.h>

#include "base/fail.h"

namespace pith::io {
namespace {

void check(int done) {
  if (done != 1) fail(ErrorKind::kInternal, "OpenSSL cannot compute SHA-256");
}

}  // namespace

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> owned{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  EVP_MD_CTX* context = owned.get();
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  check(state_->context != nullptr && EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1 ? 1 : 0);
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<const std::byte> bytes) {
  check(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()));
}

Digest Sha256::finish() {
  Digest digest{};
  check(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(digest.data()), nullptr));
  return digest;
}

Digest sha256(std::span<const std::byte> bytes) {
  Sha256 sha;
  sha.add(bytes);
  return sha.finish();
}

std::string to_hex(const Digest& digest) {
  std::string text;
  for (const std::byte b : digest) text += fmt::format("{:02x}", std::to_integer<unsigned>(b));
  return text;
}

struct Xxh3::State {
  XXH3_state_t* hash = XXH3_createState();
};

Xxh3::Xxh3() : state_(std::make_unique<State>()) {
  if (state_->hash == nullptr) fail(ErrorKind::kOutOfMemory, "no memory for the state of a hash");
  reset();
}

Xxh3::~Xxh3() { XXH3_freeState(state_->hash); }

void Xxh3::reset() { XXH3_64bits_reset(state_->hash); }

void Xxh3::add(std::span<const std::byte> bytes) { XXH3_64bits_update(state_->hash, bytes.data(), bytes.size()); }

std::uint64_t Xxh3::value() const { return XXH3_64bits_digest(state_->hash); }

std::uint64_t xxh3(std::span<const std::byte> bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

std::array<std::uint64_t, 2> xxh3_wide(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

}  // namespace pith::io
