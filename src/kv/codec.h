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
};

/// Scratch of one worker; rows are rounded up to kernels::kSplitRows.
struct PageScratch {
  kernels::SplitPlanes weights;  ///< Of kPageTokens columns
  float* row_add = nullptr;      ///< [rows]
  float* row_shrink = nullptr;   ///< [rows]
};

/// Bytes of a plane of split rows.
constexpr std::size_t split_plane_bytes(std::size_t rows, std::size_t columns) {
  const auto up = [](std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; };
  return up(rows, kernels::kSplitRows) * up(columns, kernels::kSplitColumns);
}

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
                          const PageScratch& scratch) const = 0;
  /// The page's values join the running softmax of rows whose scores are in `step`, kPageTokens apart.
  virtual void absorb_rows(const kernels::SoftmaxStep& step, const std::byte* page,
                           const PageScratch& scratch) const = 0;

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
