#include "snapshot/cipher.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cstring>

#include "base/fail.h"

namespace pith::snapshot {
namespace {

constexpr std::size_t kNonceBytes = 12;
constexpr std::string_view kPurpose = "pith snapshot 1";

void check(bool done, const char* what) {
  if (!done) fail(ErrorKind::kInternal, "OpenSSL cannot {}", what);
}

unsigned char* raw(std::byte* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
const unsigned char* raw(const std::byte* bytes) { return reinterpret_cast<const unsigned char*>(bytes); }

/// A file's key, and bytes that identify it without revealing it.
struct FileKey {
  std::array<std::byte, kKeyBytes + kKeyCheckBytes> bytes{};

  FileKey(std::span<const std::byte> key, std::span<const std::byte> salt) {
    if (key.size() != kKeyBytes) {
      fail(ErrorKind::kInvalidArgument, "the key of a snapshot has {} bytes, must have {}", key.size(), kKeyBytes);
    }
    const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
    check(kdf != nullptr, "derive keys by HKDF");
    const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(EVP_KDF_CTX_new(kdf.get()),
                                                                            EVP_KDF_CTX_free);
    check(context != nullptr, "derive keys by HKDF");
    // OpenSSL takes pointers to non-const for data that it only reads.
    std::array<char, 7> digest = {'S', 'H', 'A', '2', '5', '6', '\0'};
    const auto octets = [](const char* name, auto* data, std::size_t size) {
      return OSSL_PARAM_construct_octet_string(name, const_cast<void*>(static_cast<const void*>(data)), size);
    };
    const std::array parameters = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
        octets(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
        octets(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
        octets(OSSL_KDF_PARAM_INFO, kPurpose.data(), kPurpose.size()),
        OSSL_PARAM_construct_end(),
    };
    check(EVP_KDF_derive(context.get(), raw(bytes.data()), bytes.size(), parameters.data()) == 1,
          "derive keys by HKDF");
  }
  ~FileKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  FileKey(const FileKey&) = delete;
  FileKey& operator=(const FileKey&) = delete;

  std::span<const std::byte> check_bytes() const { return std::span(bytes).subspan(kKeyBytes); }
};

std::array<unsigned char, kNonceBytes> nonce_of(std::uint64_t number, bool last) {
  std::array<unsigned char, kNonceBytes> nonce{};
  std::memcpy(nonce.data(), &number, sizeof number);
  nonce[sizeof number] = last ? 1 : 0;
  return nonce;
}

}  // namespace

struct ChunkCipher::State {
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> owned{EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free};
  EVP_CIPHER_CTX* context = owned.get();
  FileKey key;
  HeaderBytes header{};

  State(std::span<const std::byte> caller_key, const Header& from) : key(caller_key, from.salt) {
    check(context != nullptr, "make a cipher");
  }

  void begin(std::uint64_t number, bool last, bool seals) const {
    const auto nonce = nonce_of(number, last);
    int size = 0;
    check(EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nullptr, raw(key.bytes.data()), nonce.data(), seals ? 1 : 0) ==
                  1 &&
              EVP_CipherUpdate(context, nullptr, &size, raw(header.data()), static_cast<int>(header.size())) == 1,
          "begin AES-256-GCM");
  }
  void turn(std::span<std::byte> bytes) const {
    int size = 0;
    check(EVP_CipherUpdate(context, raw(bytes.data()), &size, raw(bytes.data()), static_cast<int>(bytes.size())) == 1,
          "run AES-256-GCM");
  }
  bool finish() const {
    std::array<unsigned char, kTagBytes> none{};
    int size = 0;
    return EVP_CipherFinal_ex(context, none.data(), &size) == 1;
  }
};

ChunkCipher::ChunkCipher(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChunkCipher::~ChunkCipher() = default;
ChunkCipher::ChunkCipher(ChunkCipher&&) noexcept = default;
ChunkCipher& ChunkCipher::operator=(ChunkCipher&&) noexcept = default;

ChunkCipher ChunkCipher::make(std::span<const std::byte> key, Header& header) {
  check(RAND_bytes(raw(header.salt.data()), static_cast<int>(header.salt.size())) == 1, "draw random bytes");
  auto state = std::make_unique<State>(key, header);
  std::copy_n(state->key.check_bytes().begin(), kKeyCheckBytes, header.key_check.begin());
  state->header = header.encode();
  return ChunkCipher(std::move(state));
}

ChunkCipher ChunkCipher::open(std::span<const std::byte> key, const Header& header, std::string_view path) {
  auto state = std::make_unique<State>(key, header);
  if (CRYPTO_memcmp(state->key.check_bytes().data(), header.key_check.data(), kKeyCheckBytes) != 0) {
    fail(ErrorKind::kInvalidArgument, "{}: is encrypted with another key", path);
  }
  state->header = header.encode();
  return ChunkCipher(std::move(state));
}

void ChunkCipher::seal(std::uint64_t number, bool last, std::span<std::byte> chunk) {
  const std::span<std::byte> plain = chunk.first(chunk.size() - kTagBytes);
  state_->begin(number, last, true);
  state_->turn(plain);
  check(state_->finish() && EVP_CIPHER_CTX_ctrl(state_->context, EVP_CTRL_GCM_GET_TAG, static_cast<int>(kTagBytes),
                                                chunk.data() + plain.size()) == 1,
        "finish AES-256-GCM");
}

bool ChunkCipher::unseal(std::uint64_t number, bool last, std::span<std::byte> chunk) {
  const std::span<std::byte> plain = chunk.first(chunk.size() - kTagBytes);
  state_->begin(number, last, false);
  state_->turn(plain);
  check(EVP_CIPHER_CTX_ctrl(state_->context, EVP_CTRL_GCM_SET_TAG, static_cast<int>(kTagBytes),
                            chunk.data() + plain.size()) == 1,
        "check AES-256-GCM");
  return state_->finish();
}

}  // namespace pith::snapshot
