#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "kernels/table.h"
#include "kv/layout.h"

namespace pith::kv {

/// Query rows as codecs read them: scaled, rotated where the codec asks for it, in float32 and split in int8 planes.
struct Queries {
  const float* values = nullptr;  ///< [rows, size]
  kernels::SplitRows split;       ///< The same rows; filled where the codec reads it.
  std::size_t rows = 0;
  std::size_t size = 0;

  /// Rows [first, first + count).
  Queries slice(std::size_t first, std::size_t count) const;
};

/// Scratch of one worker for accumulate(): the probabilities of a block of rows, split.
struct ProbabilityScratch {
  std::int8_t* high = nullptr;        ///< [rows, kPageTokens]
  std::int8_t* low = nullptr;         ///< [rows, kPageTokens]
  float* scales = nullptr;            ///< [rows]
  std::int32_t* high_sums = nullptr;  ///< [rows]
  std::int32_t* low_sums = nullptr;   ///< [rows]
  float* row_add = nullptr;           ///< [rows]
};

/// How the vectors of one KV head are stored in pages of kPageTokens tokens. Goals: attention reads the stored bytes; a
/// page stands alone. Non-goals: positions, sequences, models; a codec sees vectors only. Immutable: safe from any
/// thread.
class Codec {
 public:
  virtual ~Codec() = default;

  virtual std::string_view name() const = 0;
  /// Sealing loses nothing against the open page.
  virtual bool exact() const = 0;
  /// Wants its vectors (and queries, outputs) in the rotated basis of kv/rotation.h.
  virtual bool rotated() const = 0;
  /// Reads Queries::split.
  virtual bool reads_split_queries() const = 0;

  /// Bytes of a sealed page of keys / values of `size` elements.
  virtual std::size_t key_page_bytes(std::size_t size) const = 0;
  virtual std::size_t value_page_bytes(std::size_t size) const = 0;

  /// Seals rows [kPageTokens, size]. Rows before `first` are held elsewhere: they are never read back and must not
  /// spoil what the page shares.
  virtual void seal_keys(const float* rows, std::size_t size, std::size_t first, std::byte* page) const = 0;
  virtual void seal_values(const float* rows, std::size_t size, std::size_t first, std::byte* page) const = 0;

  /// scores[n * kPageTokens + t] = query n . key t.
  virtual void score(const Queries& queries, const std::byte* page, float* scores,
                     const ProbabilityScratch& scratch) const = 0;
  /// out[n * size + i] += sum over t of probabilities[n * kPageTokens + t] * value t [i].
  virtual void accumulate(const float* probabilities, std::size_t rows, const std::byte* page, std::size_t size,
                          float* out, const ProbabilityScratch& scratch) const = 0;
};

/// The codec of a name, bound to a kernel table. Throws Error(kUnsupported) naming the known ones.
std::unique_ptr<const Codec> make_codec(std::string_view name, const kernels::KernelTable& kernels);

}  // namespace pith::kv
