#pragma once

#include <pith/export.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pith::inline v0_1 {

/// Which vectors of attention a codec stores.
enum class KvSide { kKeys, kValues };

/// What a codec is made for: the keys or the values of a model's KV heads.
struct CodecShape {
  KvSide side = KvSide::kKeys;
  std::size_t size = 0;  ///< Elements of a vector, a multiple of 16.
  /// Seed index for codecs that use random matrices (TurboQuant, for example). Caches use 0; other values measure the
  /// variance between draws.
  std::uint64_t draw = 0;
};

/// How the keys or the values of one KV head are stored: in pages of 64 tokens. A page is self-contained: it is written
/// once, when it is full, and never again. The cache itself keeps the newest, unfinished page and the first 16 tokens
/// of a sequence exactly; a codec never sees them.
///
/// A codec must implement page_bytes(), encode() and decode(). Attention then decodes one page at a time into scratch
/// memory; codecs that can work on their own bytes override score() and accumulate(). A codec is immutable and is
/// called from several threads at once. What its functions throw leaves the session's call unchanged, as the type that
/// was thrown (std::bad_alloc may come out as Error(kOutOfMemory)).
class PITH_EXPORT KvCodec {
 public:
  static constexpr std::size_t kPageTokens = 64;

  virtual ~KvCodec() = default;

  /// Asks the cache for rotated rows; a codec does not rotate anything itself. True: encode() gets vectors, score()
  /// queries and accumulate() outputs in a rotated basis that spreads outliers over all elements: random signs, then a
  /// Walsh-Hadamard transform (QuIP#, arXiv 2402.04396). Inner products do not change.
  virtual bool wants_rotation() const { return false; }

  /// Bytes of a page: the same for every page, at least 1. A session refuses a codec that returns 0 with
  /// Error(kInvalidArgument).
  virtual std::size_t page_bytes() const = 0;
  /// Writes rows [kPageTokens, size] into a page. Rows before `first` are kept elsewhere: they hold any finite values,
  /// are never read back, and must not affect what the rows of a page share (a mean, a range).
  virtual void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const = 0;
  /// Reconstructs rows [kPageTokens, size] from a page.
  virtual void decode(std::span<const std::byte> page, std::span<float> rows) const = 0;

  /// Keys only: computes scores [queries, kPageTokens] = queries [queries, size] . the page's rows.
  virtual void score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const;
  /// Values only: computes out [queries, size] += probabilities [queries, kPageTokens] * the page's rows.
  virtual void accumulate(std::span<const float> probabilities, std::span<const std::byte> page,
                          std::span<float> out) const;

 protected:
  explicit KvCodec(CodecShape shape) : shape_(shape) {}
  KvCodec(const KvCodec&) = default;
  KvCodec& operator=(const KvCodec&) = default;

 public:
  const CodecShape& shape() const noexcept { return shape_; }

 private:
  CodecShape shape_;
};

/// Makes a codec for a shape. Throws Error(kUnsupported) for a shape that it cannot store.
using CodecFactory = std::function<std::unique_ptr<const KvCodec>(const CodecShape& shape)>;

/// Your own codecs by name. Give it to KvOptions::codecs or to run_command(), and to SnapshotOptions::codecs when a
/// session that used one is restored: a snapshot holds names only. Not synchronized: fill it before you share it.
class PITH_EXPORT CodecRegistry {
 public:
  /// Throws Error(kInvalidArgument) for a name that is empty, taken, built in, or has a slash, a comma or a space, and
  /// for a null factory.
  void add(std::string name, CodecFactory make);
  /// Returns null if there is none of that name.
  const CodecFactory* find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, CodecFactory, std::less<>> factories_;
};

/// Returns the names of the built-in codecs.
PITH_EXPORT std::vector<std::string> builtin_codecs();

/// Makes a codec by name, from the registry if it has that name, else a built-in one, to study it without a model.
/// Throws Error: kUnsupported, listing the known names; kInvalidArgument for a size that is not a multiple of 16, and
/// for a codec of the registry that is null, has another shape, or has pages of 0 bytes.
PITH_EXPORT std::unique_ptr<const KvCodec> make_codec(std::string_view name, const CodecShape& shape,
                                                      const CodecRegistry* registry = nullptr);

}  // namespace pith::inline v0_1
