#include "kv/store/segment.h"

#include <algorithm>

namespace pith::kv {

using snapshot::RecordKind;

std::size_t complete_segments(const Cache& cache) {
  std::size_t pages = cache.tokens() / kPageTokens;
  bool any = false;
  for (const Layer& layer : cache.layers()) {
    if (!layer.global()) continue;
    any = true;
    for (const KvSide side : kSides) {
      const SideConfig& config = layer.side(side);
      if (config.recent() != nullptr) pages = std::min(pages, config.old_pages(cache.tokens()));
    }
  }
  return any ? pages / kSegmentPages : 0;
}

std::size_t segment_bytes(const Cache& cache, std::size_t segment) {
  std::size_t bytes = 0;
  for (const Head* head : cache.global_heads()) {
    for (const KvSide side : kSides) {
      for (std::size_t i = 0; i < kSegmentPages; ++i)
        bytes += head->pages(side).pages[segment * kSegmentPages + i].old->size();
    }
  }
  return bytes;
}

void save_segment(const Cache& cache, std::size_t segment, snapshot::Writer& writer) {
  io::FieldWriter fields;
  for (const Head* head : cache.global_heads()) fields.put(head->key_precision);
  writer.record(RecordKind::kCache, fields.bytes());
  for (const Head* head : cache.global_heads()) {
    for (const KvSide side : kSides) {
      for (std::size_t i = 0; i < kSegmentPages; ++i)
        writer.record(RecordKind::kPage, head->pages(side).pages[segment * kSegmentPages + i].old->span());
    }
  }
}

Segment read_segment(const Cache& shape, snapshot::Reader& reader) {
  Segment segment;
  io::FieldReader fields = reader.fields(RecordKind::kCache);
  const std::vector<const Head*> heads = shape.global_heads();
  for (const Head* head : heads) {
    segment.precisions.push_back(fields.get<Precision>("promotion"));
    if (head->layer().keys().tiers().at(segment.precisions.back()) == nullptr)
      fields.refuse("its keys are in a codec that is not known");
  }
  fields.end();
  segment.pages.reserve(heads.size() * kSides.size() * kSegmentPages);
  for (std::size_t h = 0; h < heads.size(); ++h) {
    const LayerConfig& layer = heads[h]->layer();
    for (const KvSide side : kSides) {
      const Codec& codec =
          side == KvSide::kKeys ? *layer.keys().tiers().at(segment.precisions[h]) : layer.values().codec();
      for (std::size_t i = 0; i < kSegmentPages; ++i)
        segment.pages.push_back(seal_bytes(reader.page(codec.page_bytes()), layer.pages));
    }
  }
  return segment;
}

}  // namespace pith::kv
