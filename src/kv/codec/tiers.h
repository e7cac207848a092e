#pragma once

#include <pith/codec.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "kv/codec/codec.h"
#include "kv/codec/float_codec.h"

namespace pith::kv {

/// How precisely the old pages of a head's keys are stored, numbered as in snapshots. 0: in the codec itself; 1: in
/// that of recent pages; 2 + i: in Tiers::promotions[i].
using Precision = std::uint8_t;
inline constexpr Precision kCodecPrecision = 0;
inline constexpr Precision kRecentPrecision = 1;
inline constexpr Precision kFirstPromotion = 2;

/// A finer codec for the keys of heads whose scores would have too large an error in the codec itself.
struct Promotion {
  std::unique_ptr<const Codec> codec;
  /// Heads with at least this much score noise (KeyBasis::fit()) take it.
  float noise_min = 0.0F;
};

/// How the pages of one side of a cache age: the newest page is exact, the few before it may be in a finer codec, and
/// all others are in the codec itself, or in a finer one for promoted heads.
struct Tiers {
  /// The format of open pages and of the exact prefix.
  std::unique_ptr<const FloatCodec> exact;
  std::unique_ptr<const Codec> codec;
  /// In ascending order of noise_min.
  std::vector<Promotion> promotions;
  /// By what share promotions may increase the bytes of all heads' old pages.
  double promotion_share = 0.0;
  /// The codec of the `recent_pages` sealed pages before a query's own; null if there are none.
  std::unique_ptr<const Codec> recent;
  std::size_t recent_pages = 0;

  /// Returns the codec of a precision; null if there is none.
  const Codec* at(Precision precision) const;
  /// Chooses the precision of a head's keys by its score noise: a finer codec if the noise asks for it and its page
  /// adds no more than `bytes_left`, which is reduced by what it adds. Heads that would be unusable otherwise take the
  /// codec of recent pages, which costs nothing of that.
  Precision choose(float noise, double& bytes_left) const;
};

/// Makes the codec of a name with its tiers, bound to a kernel table, for a layer with a sliding window (0: none),
/// which keeps fewer recent pages. Throws Error: kUnsupported naming the known ones; kInvalidArgument for a size that
/// is no multiple of 16 and for a codec of the registry that is null, has another shape, or has pages of 0 bytes.
Tiers make_tiers(std::string_view name, const CodecShape& shape, const kernels::KernelTable& kernels,
                 const CodecRegistry* registry, std::size_t window = 0);

}  // namespace pith::kv
