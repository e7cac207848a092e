#include "kv/share/pages.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "kv/share/message.h"
#include "kv/share/topic.h"

namespace pith::kv {
namespace {

/// What follows in a message about one page.
enum Part : std::uint8_t { kRecent = 1, kOld = 2, kOrigins = 4 };

class Message {
 public:
  template <typename T>
  void put(const T& value) {
    put_bytes(std::as_bytes(std::span(&value, 1)));
  }
  void put_bytes(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

void put_page(const Page& page, Message& message) {
  std::uint8_t parts = 0;
  if (page.recent) parts |= kRecent;
  if (page.old) parts |= kOld;
  if (page.origins) parts |= kOrigins;
  message.put(parts);
  if (page.recent) message.put_bytes(page.recent->span());
  if (page.old) message.put_bytes(page.old->span());
  if (!page.origins) return;
  message.put(static_cast<std::uint32_t>(page.origins->size()));
  for (const Origin& origin : *page.origins) {
    message.put(origin.tokens);
    message.put(static_cast<std::uint32_t>(origin.bytes.size()));
    message.put_bytes(origin.bytes);
  }
}

SealedPage get_form(std::size_t size, const PageKeeping& keeping, RankMessage& reader) {
  const std::span<const std::byte> bytes = reader.take(size);
  RawBuffer page(size);
  std::memcpy(page.data(), bytes.data(), size);
  return seal_bytes(std::move(page), keeping);
}

Page get_page(const Head& head, KvSide side, RankMessage& reader) {
  const LayerConfig& layer = head.layer();
  const Codec* recent = layer.side(side).recent();
  const auto parts = reader.get<std::uint8_t>();
  Page page;
  if ((parts & kRecent) != 0 && recent != nullptr) page.recent = get_form(recent->page_bytes(), layer.pages, reader);
  if ((parts & kOld) != 0) page.old = get_form(head.old_codec(side).page_bytes(), layer.pages, reader);
  if ((parts & kOrigins) == 0) return page;
  std::vector<Origin> origins;
  for (auto left = reader.get<std::uint32_t>(); left != 0; --left) {
    const auto tokens = reader.get<TokenMask>();
    const std::span<const std::byte> bytes = reader.take(reader.get<std::uint32_t>());
    origins.push_back({tokens, {bytes.begin(), bytes.end()}});
  }
  page.origins = std::make_shared<const std::vector<Origin>>(std::move(origins));
  return page;
}

/// Calls slot(head, side, i) for the slots of a layer that a rank keeps and not all do, in the order of messages.
template <typename OnSlot>
void for_kept(Layer& layer, const StripeSet& stripes, const OnSlot& slot) {
  for (Head& head : layer.heads()) {
    for (const KvSide side : kSides) {
      for (std::size_t i = 0; i < head.slots.slots.size(); ++i) {
        if (stripes.has(i / kChunkPages % kStripes) && head.slots.slots[i].page != 0) slot(head, side, i);
      }
    }
  }
}

}  // namespace

void fetch_pages(Layer& layer, Ranks& ranks) {
  Message mine;
  for_kept(layer, layer.config().stripes,
           [&](Head& head, KvSide side, std::size_t i) { put_page(head.pages(side).pages[i], mine); });
  const std::size_t slots = layer.heads().front().slots.slots.size();
  const auto said = ranks.exchange(topic(Topic::kPages, layer.config().number, slots), mine.bytes());
  for (std::size_t rank = 0; rank < ranks.count(); ++rank) {
    if (rank == ranks.rank()) continue;
    RankMessage reader(said[rank], rank, "pages");
    for_kept(layer, {rank, ranks.count()},
             [&](Head& head, KvSide side, std::size_t i) { head.pages(side).pages[i] = get_page(head, side, reader); });
    reader.end();
  }
}

void drop_foreign(Head& head) {
  for (const KvSide side : kSides) {
    std::vector<Page>& pages = head.pages(side).pages;
    for (std::size_t i = 0; i < pages.size(); ++i) {
      if (!head.keeps(i)) pages[i] = Page{};
    }
  }
}

void drop_foreign(Layer& layer) {
  for (Head& head : layer.heads()) drop_foreign(head);
}

std::size_t bytes_of_pages(const Layer& layer) {
  std::size_t bytes = 0;
  for (const Head& head : layer.heads()) {
    const std::size_t slots = head.slots.slots.size();
    const std::size_t seen = layer.global() ? slots : std::min(slots, layer.window() / kPageTokens + 2);
    for (const KvSide side : kSides) bytes += seen * head.old_codec(side).page_bytes();
  }
  return bytes;
}

FetchedPages::FetchedPages(std::span<const Step> steps, std::size_t layer, Ranks& ranks)
    : steps_(steps), layer_(layer) {
  for (const Step& step : steps_) fetch_pages(step.cache->layer(layer_), ranks);
}

FetchedPages::~FetchedPages() {
  for (const Step& step : steps_) drop_foreign(step.cache->layer(layer_));
}

WholeCache::WholeCache(Cache& cache) : cache_(cache) {
  if (Ranks* ranks = cache.options().ranks.get(); ranks != nullptr) {
    for (Layer& layer : cache_.layers()) fetch_pages(layer, *ranks);
  }
}

WholeCache::~WholeCache() {
  if (cache_.options().ranks == nullptr) return;
  for (Layer& layer : cache_.layers()) drop_foreign(layer);
}

void for_whole_layers(const Cache& cache, const std::function<void(const Layer&)>& on_layer) {
  Ranks* const ranks = cache.options().ranks.get();
  if (ranks == nullptr) {
    for (const Layer& layer : cache.layers()) on_layer(layer);
    return;
  }
  Cache fork = cache;
  for (Layer& layer : fork.layers()) {
    fetch_pages(layer, *ranks);
    on_layer(layer);
    drop_foreign(layer);
  }
}

bool agreed(const Cache& cache, bool yes) {
  Ranks* ranks = cache.options().ranks.get();
  if (ranks == nullptr) return yes;
  const std::byte mine{static_cast<unsigned char>(yes ? 1 : 0)};
  const auto said = ranks->exchange(topic(Topic::kAgreed, 0, cache.tokens()), std::span(&mine, 1));
  return std::all_of(said.begin(), said.end(),
                     [](std::span<const std::byte> word) { return word.size() == 1 && word.front() != std::byte{0}; });
}

}  // namespace pith::kv
