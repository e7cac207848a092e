#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "io/fields.h"
#include "kv/core/cache.h"
#include "kv/store/segment.h"
#include "snapshot/reader.h"

namespace pith::kv {

/// Positions are 32-bit numbers.
inline constexpr std::uint64_t kTokensMax = std::numeric_limits<std::int32_t>::max() - kPageTokens;
inline constexpr double kPromotionBytesMax = 1e15;

/// Writes the fields of a KV head's record: everything but its pages.
void save_head(const Cache& cache, const Head& head, io::FieldWriter& fields);

/// Reads one KV head's record and pages into a cache whose number of tokens is set. Throws Error(kFormat) for what
/// could not be attended or appended to.
class HeadRestorer {
 public:
  HeadRestorer(Cache& cache, Head& head) : cache_(cache), head_(head), layer_(head.layer()) {}

  /// Says that its first pages are in segments, which must outlive the object; `number` is that among the global heads.
  void take_pages(std::span<const Segment> segments, std::size_t number);
  void run(snapshot::Reader& reader);

 private:
  /// Which forms of a page follow.
  struct Forms {
    bool recent = false, old = false, origins = false;
  };
  struct SideForms {
    bool exact_prefix = false, open = false;
    std::vector<Forms> pages;  ///< By slot.
  };

  void read_slot(io::FieldReader& fields);
  void read_side(io::FieldReader& fields, KvSide side);
  void read_origins(io::FieldReader& fields, const Codec& codec, Page& page) const;
  void read_gathered(io::FieldReader& fields);
  void check_order(const io::FieldReader& fields) const;
  void check_holes(const io::FieldReader& fields) const;
  void check_forms(const io::FieldReader& fields, KvSide side) const;
  void check_segments(const io::FieldReader& fields) const;
  void read_pages(snapshot::Reader& reader, KvSide side);
  SideForms& forms(KvSide side) { return forms_[static_cast<std::size_t>(side)]; }
  const SideForms& forms(KvSide side) const { return forms_[static_cast<std::size_t>(side)]; }

  Cache& cache_;
  Head& head_;
  const LayerConfig& layer_;
  std::span<const Segment> segments_;
  std::size_t number_ = 0;
  std::array<SideForms, kSides.size()> forms_;
};

}  // namespace pith::kv
