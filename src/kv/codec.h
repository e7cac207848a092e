#pragma once

#include <pith/codec.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

/// Scratch of one worker: the probabilities of a block of rows, split.
struct ProbabilityScratch {
  std::int8_t* high = nullptr;        ///< [rows, kPageTokens]
  std::int8_t* low = nullptr;         ///< [rows, kPageTokens]
  float* scales = nullptr;            ///< [rows]
  std::int32_t* high_sums = nullptr;  ///< [rows]
  std::int32_t* low_sums = nullptr;   ///< [rows]
  float* row_add = nullptr;           ///< [rows]
};

/// A codec as attention uses it: what the public interface says, and the same on queries that were prepared once a
/// batch. Goals: attention reads the stored bytes. Non-goals: positions, sequences, models. Immutable: safe from any
/// thread.
class Codec : public KvCodec {
 public:
  /// Sealing loses nothing against the open page.
  virtual bool exact() const { return false; }
  /// Reads Queries::split.
  virtual bool reads_split_queries() const { return false; }

  /// scores[n * kPageTokens + t] = query n . key t.
  virtual void score_rows(const Queries& queries, const std::byte* page, float* scores,
                          const ProbabilityScratch& scratch) const = 0;
  /// out[n * size + i] += sum over t of probabilities[n * kPageTokens + t] * value t [i].
  virtual void accumulate_rows(const float* probabilities, std::size_t rows, const std::byte* page, float* out,
                               const ProbabilityScratch& scratch) const = 0;

 protected:
  using KvCodec::KvCodec;
};

/// A finer codec for the keys of heads whose scores err too much in the codec itself.
struct Promotion {
  std::unique_ptr<const Codec> codec;
  /// Heads with more score noise (KeyBasis::fit()) take it.
  float noise_min = 0.0F;
};

/// How one side of a cache ages: the newest page is exact, those before it may stay in a finer codec for a while, then
/// comes the codec itself, or for some heads a finer one.
struct Tiers {
  std::unique_ptr<const Codec> codec;
  /// By rising noise_min.
  std::vector<Promotion> promotions;
  /// What promotions may add to the bytes of all heads' old pages.
  double promotion_share = 0.0;
  /// Of the `recent_pages` sealed pages before a query's own; null where there are none.
  std::unique_ptr<const Codec> recent;
  std::size_t recent_pages = 0;
};

/// The codec of a name, its tiers bound to a kernel table. Throws Error(kUnsupported) naming the known ones.
Tiers make_tiers(std::string_view name, const CodecShape& shape, const kernels::KernelTable& kernels,
                 const CodecRegistry* registry);

}  // namespace pith::kv
