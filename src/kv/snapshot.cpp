#include "kv/snapshot.h"

#include <span>

#include "kv/snapshot_head.h"

namespace pith::kv {
namespace {

using snapshot::FieldReader;
using snapshot::FieldWriter;
using snapshot::RecordKind;

template <typename Bytes>
std::span<const std::byte> bytes_of(const Bytes& page) {
  return {page.data(), page.size()};
}

/// Writes pages in the order in which the head's record lists them.
void save_pages(const SidePages& side, snapshot::Writer& writer) {
  const auto page = [&](const auto& bytes) {
    if (bytes) writer.record(RecordKind::kPage, bytes_of(*bytes));
  };
  page(side.exact_prefix);
  page(side.open);
  for (const Page& each : side.pages) {
    page(each.recent);
    page(each.old);
  }
}

void add_side(FieldWriter& fields, const SideConfig& config) {
  fields.put_text(config.name());
  put_count(fields, config.size());
  put_count(fields, config.exact().page_bytes());
  put_count(fields, config.codec().page_bytes());
  put_count(fields, config.recent_pages());
  put_count(fields, config.recent() != nullptr ? config.recent()->page_bytes() : 0);
  put_count(fields, config.tiers().promotions.size());
  for (const Promotion& promotion : config.tiers().promotions) put_count(fields, promotion.codec->page_bytes());
}

}  // namespace

std::size_t Cache::promotion(std::size_t layer, std::size_t kv_head) const {
  const Codec* promoted = promoted_[layer * shape_.kv_heads + kv_head];
  if (promoted == nullptr) return 0;
  const std::vector<Promotion>& known = keys(layer).tiers().promotions;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (known[i].codec.get() == promoted) return 2 + i;
  }
  return 1;
}

bool Cache::restore_promotion(std::size_t layer, std::size_t kv_head, std::size_t promotion) {
  const Tiers& tiers = keys(layer).tiers();
  const Codec*& promoted = promoted_[layer * shape_.kv_heads + kv_head];
  if (promotion == 0) {
    promoted = nullptr;
  } else if (promotion == 1) {
    promoted = tiers.recent.get();
  } else if (promotion - 2 < tiers.promotions.size()) {
    promoted = tiers.promotions[promotion - 2].codec.get();
  } else {
    return false;
  }
  return promotion == 0 || promoted != nullptr;
}

void save(const Cache& cache, snapshot::Writer& writer) {
  FieldWriter fields;
  put_count(fields, cache.tokens());
  fields.put(cache.promotion_bytes());
  put_count(fields, cache.observers().list().size());
  for (const Observer& observer : cache.observers().list()) put_count(fields, observer.count());
  fields.put_flag(cache.query_sums().enabled());
  writer.record(RecordKind::kCache, fields.bytes());
  for (std::size_t layer = 0; layer < cache.shape().layers(); ++layer) {
    for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) {
      FieldWriter head;
      save_head(cache, layer, h, head);
      writer.record(RecordKind::kHead, head.bytes());
      for (const KvSide side : kSides) save_pages(cache.pages(side, layer, h), writer);
    }
  }
}

void restore(Cache& cache, snapshot::Reader& reader) {
  FieldReader fields = reader.fields(RecordKind::kCache);
  const auto tokens = fields.get<std::uint64_t>("tokens", 0, kTokensMax);
  cache.restore_promotion_bytes(fields.get<double>("promotion bytes", 0.0, kPromotionBytesMax));
  std::vector<Observer>& observers = cache.observers().list();
  fields.get<std::uint64_t>("observers", observers.size(), observers.size());
  for (Observer& observer : observers) observer.set_count(fields.get<std::uint64_t>("observed queries"));
  if (fields.get_flag("query sums") != cache.query_sums().enabled())
    fields.refuse("query sums are not what the policy asks for");
  fields.end();
  cache.set_tokens(tokens);
  for (std::size_t layer = 0; layer < cache.shape().layers(); ++layer) {
    for (std::size_t h = 0; h < cache.shape().kv_heads; ++h) HeadRestorer(cache, layer, h).run(reader);
  }
}

snapshot::Digest codec_fingerprint(const Cache& cache) {
  FieldWriter fields;
  put_count(fields, cache.shape().heads);
  put_count(fields, cache.shape().kv_heads);
  put_count(fields, kPageTokens);
  put_count(fields, kExactPrefixTokens);
  for (std::size_t layer = 0; layer < cache.shape().layers(); ++layer) {
    for (const KvSide side : kSides) add_side(fields, cache.side(side, layer));
  }
  return snapshot::sha256(fields.bytes());
}

}  // namespace pith::kv
