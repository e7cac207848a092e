#pragma once

#include <pith/codec.h>

#include <cstddef>
#include <vector>

#include "kernels/table.h"
#include "kv/layout/layout.h"

namespace pith::kv {

/// Query rows as codecs read them: scaled, rotated if the codec wants rotation, as float32 and split into int8 planes.
struct Queries {
  const float* values = nullptr;  ///< [rows, size]
  kernels::SplitRows split;       ///< The same rows; set only if the codec reads them.
  std::size_t rows = 0;
  std::size_t size = 0;
};

/// Scratch of one worker. Numbers of rows are rounded up to kernels::kSplitRows.
struct PageScratch {
  kernels::SplitPlanes weights;  ///< kPageTokens columns
  float* row_add = nullptr;      ///< [rows]
  float* row_shrink = nullptr;   ///< [rows]
};

/// Returns the bytes of one plane of split rows.
constexpr std::size_t split_plane_bytes(std::size_t rows, std::size_t columns) {
  const auto up = [](std::size_t n, std::size_t unit) { return (n + unit - 1) / unit * unit; };
  return up(rows, kernels::kSplitRows) * up(columns, kernels::kSplitColumns);
}

/// What some tokens of a packed page have in common: Codec::origin() of the page that they come from.
struct Origin {
  TokenMask tokens = 0;
  std::vector<std::byte> bytes;
};

/// A codec as attention uses it: the public interface, the same operations on queries that were prepared once per
/// batch, and packing. Attention reads the stored bytes. Codecs know nothing of positions, sequences or models.
/// Immutable: safe from any thread.
class Codec : public KvCodec {
 public:
  /// Returns whether sealing loses nothing compared with the open page.
  virtual bool exact() const { return false; }
  /// Returns whether score_rows() reads Queries::split.
  virtual bool reads_split_queries() const { return false; }

  /// Computes scores[n * kPageTokens + t] = query n . key t.
  virtual void score_rows(const Queries& queries, const std::byte* page, float* scores,
                          const PageScratch& scratch) const = 0;
  /// Adds the page's values to the running softmax of the rows whose scores are in `step`, kPageTokens apart.
  virtual void accumulate_rows(const kernels::SoftmaxStep& step, const std::byte* page,
                               const PageScratch& scratch) const = 0;

  // Packing: what eviction left of several pages is copied into one, as it is stored.

  /// Returns whether tokens can be copied between pages of the same grid().
  virtual bool movable() const { return false; }
  /// Returns what the tokens of a page are stored relative to and cannot take along.
  virtual std::vector<std::byte> grid(const std::byte* /*page*/) const { return {}; }
  /// Returns what tokens share in their page and do take along (Origin).
  virtual std::vector<std::byte> origin(const std::byte* /*page*/) const { return {}; }
  /// Encodes on the grid of an earlier page of the head (empty: there is none), or on the nearest possible grid if that
  /// one does not cover the rows.
  virtual void encode_on(std::span<const std::byte> /*grid*/, std::span<const float> rows, std::size_t first,
                         std::span<std::byte> page) const {
    encode(rows, first, page);
  }
  /// Initializes a page without tokens on a grid.
  virtual void begin_page(std::span<const std::byte> /*grid*/, std::byte* /*page*/) const {}
  /// Copies token `from` of a page to the free index `to` of another one on the same grid.
  virtual void copy_token(const std::byte* /*source*/, std::size_t /*from*/, std::byte* /*target*/,
                          std::size_t /*to*/) const {}
  /// Adds the contribution of a packed page's origins to scores [rows, kPageTokens].
  virtual void add_origins(const Queries& /*queries*/, std::span<const Origin> /*origins*/, float* /*scores*/) const {}
  /// Adds it to decoded rows [kPageTokens, size].
  virtual void add_origins(std::span<const Origin> /*origins*/, std::span<float> /*rows*/) const {}

 protected:
  using KvCodec::KvCodec;
};

}  // namespace pith::kv
