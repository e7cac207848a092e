#include "kv/store/snapshot.h"

#include <span>
#include <utility>
#include <vector>

#include "kv/share/pages.h"
#include "kv/store/snapshot_head.h"

namespace pith::kv {
namespace {

using io::FieldReader;
using io::FieldWriter;
using snapshot::RecordKind;

template <typename Bytes>
std::span<const std::byte> bytes_of(const Bytes& page) {
  return {page.data(), page.size()};
}

/// Writes pages in the order in which the head's record lists them, without the first `apart`.
void save_pages(const SidePages& side, std::size_t apart, snapshot::Writer& writer) {
  const auto page = [&](const auto& bytes) {
    if (bytes) writer.record(RecordKind::kPage, bytes_of(*bytes));
  };
  page(side.exact_prefix);
  page(side.open);
  for (std::size_t i = apart; i < side.pages.size(); ++i) {
    page(side.pages[i].recent);
    page(side.pages[i].old);
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

void save_holes(const Holes& holes, FieldWriter& fields) {
  if (holes.empty()) return;
  put_count(fields, holes.list().size());
  for (const Hole& hole : holes.list()) {
    put_count(fields, hole.first);
    put_count(fields, hole.last);
  }
}

Holes read_holes(FieldReader& fields, std::uint64_t tokens) {
  std::vector<Hole> list;
  std::uint64_t least = 0;
  for (auto left = fields.get<std::uint64_t>("holes", 1, tokens); left != 0; --left) {
    const auto first = fields.get<std::uint64_t>("beginning of a hole", least, tokens);
    const auto last = fields.get<std::uint64_t>("end of a hole", first + 1, tokens);
    list.push_back({first, last});
    least = last + 1;
  }
  return Holes(std::move(list));
}

void save_state(const States& states, std::size_t layer, snapshot::Writer& writer) {
  const States::Block& block = states.block(layer);
  writer.record(RecordKind::kState, block ? std::as_bytes(block->span()) : std::span<const std::byte>());
}

/// A cache without tokens has no states yet.
void restore_state(States& states, std::size_t layer, std::size_t tokens, snapshot::Reader& reader) {
  FieldReader fields = reader.fields(RecordKind::kState);
  if (tokens != 0) {
    auto block = std::make_shared<Buffer<float>>(states.size(layer));
    for (float& x : block->span()) x = fields.get<float>("state");
    states.exchange(layer, block);
  }
  fields.end();
}

}  // namespace

std::uint32_t version_for(const Cache& cache) {
  return cache.holes().empty() ? snapshot::kVersionWithoutHoles : snapshot::kVersion;
}

void save(const Cache& cache, snapshot::Writer& writer, std::size_t segments) {
  FieldWriter fields;
  put_count(fields, cache.tokens());
  fields.put(cache.promotion_bytes());
  put_count(fields, cache.observers().list().size());
  for (const Observer& observer : cache.observers().list()) put_count(fields, observer.count());
  fields.put_flag(cache.keeps_query_sums());
  save_holes(cache.holes(), fields);
  writer.record(RecordKind::kCache, fields.bytes());
  for (std::size_t i = 0; i < cache.states().layers(); ++i) save_state(cache.states(), i, writer);
  for_whole_layers(cache, [&](const Layer& layer) {
    for (const Head& head : layer.heads()) {
      FieldWriter record;
      save_head(cache, head, record);
      writer.record(RecordKind::kHead, record.bytes());
      const std::size_t apart = layer.global() ? segments * kSegmentPages : 0;
      for (const KvSide side : kSides) save_pages(head.pages(side), apart, writer);
    }
  });
}

void restore(Cache& cache, snapshot::Reader& reader, std::span<const Segment> segments) {
  FieldReader fields = reader.fields(RecordKind::kCache);
  const auto tokens = fields.get<std::uint64_t>("tokens", 0, kTokensMax);
  cache.set_promotion_bytes(fields.get<double>("promotion bytes", 0.0, kPromotionBytesMax));
  std::vector<Observer>& observers = cache.observers().list();
  fields.get<std::uint64_t>("observers", observers.size(), observers.size());
  for (Observer& observer : observers) observer.set_count(fields.get<std::uint64_t>("observed queries"));
  if (fields.get_flag("query sums") != cache.keeps_query_sums())
    fields.refuse("query sums are not what the policy asks for");
  if (reader.version() > snapshot::kVersionWithoutHoles) cache.set_holes(read_holes(fields, tokens));
  fields.end();
  cache.set_tokens(tokens);
  for (std::size_t i = 0; i < cache.states().layers(); ++i) restore_state(cache.states(), i, tokens, reader);
  std::size_t global_heads = 0;
  for (Head* head : cache.heads()) {
    HeadRestorer restorer(cache, *head);
    if (head->layer().global()) restorer.take_pages(segments, global_heads++);
    restorer.run(reader);
    drop_foreign(*head);
  }
}

io::Digest codec_fingerprint(const Cache& cache) {
  FieldWriter fields;
  // No layer: a model that caches nothing but states.
  const LayerShape first = cache.layers().empty() ? LayerShape{} : cache.layers().front().shape();
  put_count(fields, first.heads);
  put_count(fields, first.kv_heads);
  put_count(fields, kPageTokens);
  put_count(fields, kExactPrefixTokens);
  for (const Layer& layer : cache.layers()) {
    // The format was made for layers of one shape: only what differs from the first is new in it.
    if (layer.shape().heads != first.heads || layer.shape().kv_heads != first.kv_heads) {
      put_count(fields, layer.shape().heads);
      put_count(fields, layer.shape().kv_heads);
    }
    for (const KvSide side : kSides) add_side(fields, layer.side(side));
  }
  return io::sha256(fields.bytes());
}

}  // namespace pith::kv
