#pragma once

#include <pith/codec.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/table.h"
#include "kv/layout.h"
#include "kv/slots.h"

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

/// What some tokens of a packed page have in common: origin() of the page that they come from.
struct Origin {
  TokenMask tokens = 0;
  std::vector<std::byte> bytes;
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
                          const PageScratch& scratch) const = 0;
  /// The page's values join the running softmax of rows whose scores are in `step`, kPageTokens apart.
  virtual void accumulate_rows(const kernels::SoftmaxStep& step, const std::byte* page,
                               const PageScratch& scratch) const = 0;

  // Packing: what is left of several pages goes into one, as it is stored.

  /// Tokens can be copied from page to page where both have the same grid().
  virtual bool movable() const { return false; }
  /// What the tokens of a page are stored relative to, and cannot take along.
  virtual std::vector<std::byte> grid(const std::byte* /*page*/) const { return {}; }
  /// What they can take along: it stays together with the tokens of its page (see Origin).
  virtual std::vector<std::byte> origin(const std::byte* /*page*/) const { return {}; }
  /// encode() on the grid of an earlier page of the head (empty: there is none), or where that does not reach, on one
  /// as near as can be.
  virtual void encode_on(std::span<const std::byte> /*grid*/, std::span<const float> rows, std::size_t first,
                         std::span<std::byte> page) const {
    encode(rows, first, page);
  }
  /// A page without tokens or origin on a grid.
  virtual void begin_page(std::span<const std::byte> /*grid*/, std::byte* /*page*/) const {}
  /// Copies token `from` of one page to `to`, where none was before, of another on the same grid.
  virtual void copy_token(const std::byte* /*source*/, std::size_t /*from*/, std::byte* /*target*/,
                          std::size_t /*to*/) const {}
  /// Adds what the origins of a packed page add to scores [rows, kPageTokens].
  virtual void add_origins(const Queries& /*queries*/, std::span<const Origin> /*origins*/, float* /*scores*/) const {}
  /// The same to rows [kPageTokens, size] that were decoded.
  virtual void add_origins(std::span<const Origin> /*origins*/, std::span<float> /*rows*/) const {}

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
