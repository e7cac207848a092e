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
  /// Which random matrices a codec takes that multiplies with some, TurboQuant for one. Caches take draw 0; others show
  /// how much of an error is that of one draw.
  std::uint64_t draw = 0;
};

/// How the keys or the values of one KV head are stored: page by page, 64 tokens each. A page stands alone: it is
/// written once, when it is full, and never again. The newest, unfinished page and the first tokens of a sequence
/// (attention sinks) are kept exactly by the cache and are no concern of a codec's.
///
/// page_bytes(), encode() and decode() are all that a codec needs. Attention then decodes a page at a time into scratch
/// memory; codecs that work on their own bytes replace score() and accumulate().
/// A codec is immutable and used from several threads at once.
class PITH_EXPORT KvCodec {
 public:
  static constexpr std::size_t kPageTokens = 64;

  virtual ~KvCodec() = default;

  /// True: vectors, queries and outputs are in a rotated basis, in which outliers are spread over all elements: random
  /// signs, then a Walsh-Hadamard transform (QuIP#, arXiv 2402.04396). Inner products stay what they are.
  virtual bool rotated() const { return false; }

  /// Bytes of a page.
  virtual std::size_t page_bytes() const = 0;
  /// Writes a page of rows [kPageTokens, size]. Rows before `first` are kept elsewhere: they hold anything finite, are
  /// never read back and must not spoil what the page shares.
  virtual void encode(std::span<const float> rows, std::size_t first, std::span<std::byte> page) const = 0;
  /// Rows [kPageTokens, size] as the page represents them.
  virtual void decode(std::span<const std::byte> page, std::span<float> rows) const = 0;

  /// Of keys: scores [queries, kPageTokens] = queries [queries, size] . the page's rows.
  virtual void score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const;
  /// Of values: out [queries, size] += probabilities [queries, kPageTokens] * the page's rows.
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

/// Makes a codec for a shape; throws Error(kUnsupported) for a shape it cannot store.
using CodecFactory = std::function<std::unique_ptr<const KvCodec>(const CodecShape& shape)>;

/// Codecs of your own, by name: give it to SessionOptions::kv or to run_command() and they are used like built-in ones.
/// Not synchronized: fill it first, share it then.
class PITH_EXPORT CodecRegistry {
 public:
  /// Throws Error(kInvalidArgument) for a name that is empty, taken or built in.
  void add(std::string name, CodecFactory make);
  /// Null if there is none of that name.
  const CodecFactory* find(std::string_view name) const;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, CodecFactory, std::less<>> factories_;
};

/// Names of the built-in codecs.
PITH_EXPORT std::vector<std::string> builtin_codecs();

/// A codec by name, of the registry if it has one of that name, else built in: to study it without a model. Throws
/// Error(kUnsupported) that lists the known names, kInvalidArgument for a size that is no multiple of 16.
PITH_EXPORT std::unique_ptr<const KvCodec> make_codec(std::string_view name, const CodecShape& shape,
                                                      const CodecRegistry* registry = nullptr);

}  // namespace pith::inline v0_1
