#include "kv/store/snapshot_head.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace pith::kv {
namespace {

using io::FieldReader;
using io::FieldWriter;

constexpr unsigned kRecentForm = 1;
constexpr unsigned kOldForm = 2;
constexpr unsigned kWithOrigins = 4;
constexpr unsigned kAllForms = kRecentForm | kOldForm | kWithOrigins;
constexpr unsigned kHasExactPrefix = 1;
constexpr unsigned kHasOpen = 2;

std::uint8_t forms_of(const Page& page) {
  return static_cast<std::uint8_t>((page.recent ? kRecentForm : 0) | (page.old ? kOldForm : 0) |
                                   (page.origins ? kWithOrigins : 0));
}

void put_side(FieldWriter& fields, const SidePages& side) {
  fields.put(static_cast<std::uint8_t>((side.exact_prefix ? kHasExactPrefix : 0) | (side.open ? kHasOpen : 0)));
  fields.put_array(side.grid);
  for (const Page& page : side.pages) {
    fields.put(forms_of(page));
    if (!page.origins) continue;
    put_count(fields, page.origins->size());
    for (const Origin& origin : *page.origins) {
      fields.put(origin.tokens);
      fields.put_array(origin.bytes);
    }
  }
}

template <typename T>
void put_member(FieldWriter& fields, const T& member) {
  if constexpr (std::is_arithmetic_v<T>) {
    put_count(fields, member);
  } else {
    fields.put_array(member);
  }
}

template <typename T>
void get_member(FieldReader& fields, const char* field, T& member) {
  if constexpr (std::is_arithmetic_v<T>) {
    member = fields.get<std::uint64_t>(field);
  } else {
    fields.fill(field, member);
  }
}

}  // namespace

void save_head(const Cache& cache, const Head& head, FieldWriter& fields) {
  fields.put(head.slots.exact_prefix);
  fields.put(head.key_precision);
  put_count(fields, head.slots.slots.size());
  for (const Slot& slot : head.slots.slots) {
    fields.put(slot.page);
    fields.put(slot.live);
    if (slot.packed()) fields.put_array(slot.positions->list());
  }
  for (const KvSide side : kSides) put_side(fields, head.pages(side));
  const auto put = [&](const auto& member) { put_member(fields, member); };
  if (cache.any_keys_rotated()) KeyBasis::visit(head.basis, put);
  for (const Observer& observer : cache.observers().list()) fields.put_array(observer.gathered(head.index()));
  if (!head.query_sums.empty()) QuerySums::visit(head.query_sums, put);
}

void HeadRestorer::take_pages(std::span<const Segment> segments, std::size_t number) {
  segments_ = segments;
  number_ = number;
}

void HeadRestorer::check_segments(const FieldReader& fields) const {
  const std::size_t apart = segments_.size() * kSegmentPages;
  if (apart > head_.slots.slots.size()) fields.refuse("it has fewer pages than its segments");
  for (std::size_t i = 0; i < apart; ++i) {
    if (head_.slots.slots[i].page != static_cast<std::int32_t>(i))
      fields.refuse("a page of a segment is not in its slot");
    for (const KvSide side : kSides) {
      const Forms& page = forms(side).pages[i];
      if (page.recent || page.origins || !page.old) fields.refuse("a page of a segment is not in its final form");
    }
  }
  for (const Segment& segment : segments_) {
    if (segment.precisions[number_] != head_.key_precision) fields.refuse("its segments are in another codec");
  }
}

void HeadRestorer::run(snapshot::Reader& reader) {
  FieldReader fields = reader.fields(snapshot::RecordKind::kHead);
  const std::size_t sealed = cache_.tokens() / kPageTokens;
  head_.slots.exact_prefix = fields.get<TokenMask>("exact prefix", 0, first_tokens(kExactPrefixTokens));
  head_.key_precision = fields.get<Precision>("promotion");
  if (layer_.keys().tiers().at(head_.key_precision) == nullptr)
    fields.refuse("its keys are in a codec that is not known");
  const auto slots = fields.get<std::uint64_t>("slots", 0, sealed);
  for (std::uint64_t i = 0; i < slots; ++i) read_slot(fields);
  check_order(fields);
  check_holes(fields);
  for (const KvSide side : kSides) read_side(fields, side);
  check_segments(fields);
  const auto get = [&](auto& member) { get_member(fields, "a sum", member); };
  if (cache_.any_keys_rotated()) KeyBasis::visit(head_.basis, get);
  read_gathered(fields);
  if (!head_.query_sums.empty()) QuerySums::visit(head_.query_sums, get);
  fields.end();
  for (const KvSide side : kSides) read_pages(reader, side);
}

void HeadRestorer::read_slot(FieldReader& fields) {
  Slot slot;
  slot.page = fields.get<std::int32_t>("page", Slot::kPacked, static_cast<std::int32_t>(kTokensMax / kPageTokens));
  slot.live = fields.get<TokenMask>("live tokens");
  if (slot.packed()) {
    const auto positions = fields.get_array<std::int32_t>("positions");
    const bool rising =
        std::adjacent_find(positions.begin(), positions.end(), std::greater_equal<>()) == positions.end();
    if (positions.empty() || positions.size() > kPageTokens || !rising || positions.front() < 0 ||
        static_cast<std::size_t>(positions.back()) >= cache_.tokens()) {
      fields.refuse("positions of a packed page do not rise, or are not among the tokens");
    }
    if ((slot.live & ~first_tokens(positions.size())) != 0) fields.refuse("a packed page has tokens without positions");
    slot.positions = std::make_shared<const Positions>(positions);
  }
  head_.slots.slots.push_back(std::move(slot));
}

void HeadRestorer::check_order(const FieldReader& fields) const {
  const std::size_t sealed = cache_.tokens() / kPageTokens;
  const std::vector<Slot>& slots = head_.slots.slots;
  for (std::size_t i = 1; i < slots.size(); ++i) {
    if (!slots[i].packed() && slots[i].page <= slots[i - 1].page) fields.refuse("pages are not in order");
    if (slots[i].packed() && !slots[i - 1].packed()) fields.refuse("a packed page comes after others");
  }
  if (!slots.empty() && static_cast<std::int64_t>(slots.back().page) >= static_cast<std::int64_t>(sealed))
    fields.refuse("a page is newer than its tokens");
  // Pages that may become old later must be in the slots where they are looked up.
  std::size_t last = std::max(layer_.keys().recent_pages(), layer_.values().recent_pages());
  if (!layer_.global()) last = sealed;
  for (std::size_t i = 0; i < std::min(last, sealed); ++i) {
    if (i >= slots.size() || slots[slots.size() - 1 - i].page != static_cast<std::int32_t>(sealed - 1 - i))
      fields.refuse("one of the last pages is missing");
  }
}

void HeadRestorer::check_holes(const FieldReader& fields) const {
  const Holes& holes = cache_.holes();
  if (holes.empty()) return;
  bool held = (head_.slots.exact_prefix & ~holes.left_of(0)) != 0;
  for (const Slot& slot : head_.slots.slots) {
    if (slot.packed()) fields.refuse("a page is packed although tokens were taken out");
    held = held || (slot.live & ~holes.left_of(static_cast<std::size_t>(slot.page))) != 0;
  }
  if (held) fields.refuse("a token is held that was taken out");
}

void HeadRestorer::read_side(FieldReader& fields, KvSide side) {
  SideForms& forms = this->forms(side);
  const auto flags = fields.get<std::uint8_t>("exact pages", 0, kHasExactPrefix | kHasOpen);
  forms.exact_prefix = (flags & kHasExactPrefix) != 0;
  forms.open = (flags & kHasOpen) != 0;
  SidePages& pages = head_.pages(side);
  pages.grid = fields.get_array<std::byte>("grid");
  const Codec& codec = head_.old_codec(side);
  const RawBuffer blank(codec.page_bytes());
  if (!pages.grid.empty() && pages.grid.size() != codec.grid(blank.data()).size())
    fields.refuse("the grid of its pages has another size than its codec's");
  pages.grid_decided = !pages.grid.empty() || (layer_.side(side).recent() == nullptr && cache_.tokens() >= kPageTokens);
  for (std::size_t i = 0; i < head_.slots.slots.size(); ++i) {
    const unsigned form = fields.get<std::uint8_t>("forms of a page", 0, kAllForms);
    forms.pages.push_back({(form & kRecentForm) != 0, (form & kOldForm) != 0, (form & kWithOrigins) != 0});
    pages.pages.emplace_back();
    if (forms.pages.back().origins) read_origins(fields, codec, pages.pages.back());
  }
  check_forms(fields, side);
}

void HeadRestorer::read_origins(FieldReader& fields, const Codec& codec, Page& page) const {
  const RawBuffer blank(codec.page_bytes());
  const std::size_t size = codec.origin(blank.data()).size();
  if (size == 0) fields.refuse("a page has origins, but its codec stores none");
  std::vector<Origin> origins(fields.get<std::uint64_t>("origins", 1, kPageTokens));
  for (Origin& origin : origins) {
    origin.tokens = fields.get<TokenMask>("tokens of an origin");
    origin.bytes.resize(size);
    fields.fill("origin", origin.bytes);
  }
  page.origins = std::make_shared<const std::vector<Origin>>(std::move(origins));
}

void HeadRestorer::check_forms(const FieldReader& fields, KvSide side) const {
  const SideForms& forms = this->forms(side);
  const std::size_t tokens = cache_.tokens();
  const std::size_t visible = first_visible(tokens, layer_.shape.window);
  if (forms.open != (tokens % kPageTokens != 0)) fields.refuse("the open page is not what the number of tokens says");
  const bool prefix = layer_.keeps_exact_prefix() && tokens >= kPageTokens && visible < kExactPrefixTokens;
  if (forms.exact_prefix != prefix) fields.refuse("the exact prefix is not what the number of tokens says");
  if (!prefix && layer_.global() && head_.slots.exact_prefix != 0) fields.refuse("there is no exact prefix to hold");
  for (std::size_t i = 0; i < head_.slots.slots.size(); ++i) {
    const Slot& slot = head_.slots.slots[i];
    const Forms& page = forms.pages[i];
    const auto number = static_cast<std::size_t>(std::max(slot.page, 0));
    const SideConfig& config = layer_.side(side);
    const bool recent = !slot.packed() && number >= config.old_pages(tokens) && config.recent() != nullptr;
    const bool seen = slot.packed() || (number + 1) * kPageTokens > visible;
    if (page.recent && config.recent() == nullptr)
      fields.refuse("a page is in the recent form, but its codec has none");
    if (page.origins && !page.old) fields.refuse("a page has origins but no tokens");
    if (slot.live != 0 && seen && !(recent ? page.recent : page.old)) fields.refuse("a page that is held is missing");
  }
}

void HeadRestorer::read_gathered(FieldReader& fields) {
  const std::size_t most = (cache_.tokens() / kPageTokens + 2) * kPageTokens;
  for (Observer& observer : cache_.observers().list()) {
    std::vector<double>& gathered = observer.gathered(head_.index());
    gathered = fields.get_array<double>("gathered attention");
    if (gathered.size() % kPageTokens != 0 || gathered.size() > most)
      fields.refuse("gathered attention is not that of its tokens");
  }
}

void HeadRestorer::read_pages(snapshot::Reader& reader, KvSide side) {
  const SideConfig& config = layer_.side(side);
  const SideForms& forms = this->forms(side);
  SidePages& pages = head_.pages(side);
  const auto page = [&](std::size_t size) { return seal_bytes(reader.page(size), layer_.pages); };
  if (forms.exact_prefix) pages.exact_prefix = page(config.exact().bytes_of(kExactPrefixTokens));
  if (forms.open) pages.open = std::make_shared<RawBuffer>(reader.page(config.exact().page_bytes()));
  const std::size_t apart = segments_.size() * kSegmentPages;
  for (std::size_t i = 0; i < apart; ++i) pages.pages[i].old = segments_[i / kSegmentPages].page(number_, side, i);
  for (std::size_t i = apart; i < forms.pages.size(); ++i) {
    if (forms.pages[i].recent) pages.pages[i].recent = page(config.recent()->page_bytes());
    if (forms.pages[i].old) pages.pages[i].old = page(head_.old_codec(side).page_bytes());
  }
}

}  // namespace pith::kv
