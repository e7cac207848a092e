#include "kv/cache.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/fail.h"

namespace pith::kv {
namespace {

/// Open pages and the exact prefix are f32 for f32 codecs, f16 otherwise.
FloatElement exact_element(std::string_view codec) {
  return codec == "f32" || codec == "f32-rotated" ? FloatElement::kF32 : FloatElement::kF16;
}

KvShape checked(KvShape shape) {
  if (shape.kv_heads == 0 || shape.heads % shape.kv_heads != 0) {
    fail(ErrorKind::kInvalidArgument, "{} query heads do not divide into {} KV heads", shape.heads, shape.kv_heads);
  }
  return shape;
}

/// Score noise beyond which a head is useless in few bits, so it is promoted whatever the budget. Large key biases
/// (Qwen2) reach it; ordinary heads stay below a quarter of it.
constexpr float kNoiseUnusable = 100.0F;

/// At most an eighth of a window is recent pages. Recent pages cost the most per token, and a window never grows enough
/// to amortize them.
std::size_t most_recent_pages(std::size_t window) { return std::max<std::size_t>(1, window / 8 / kPageTokens); }

std::size_t held_bytes(const Page& page) {
  std::size_t bytes = (page.recent ? page.recent->size() : 0) + (page.old ? page.old->size() : 0);
  if (page.origins) {
    for (const Origin& origin : *page.origins) bytes += sizeof origin.tokens + origin.bytes.size();
  }
  return bytes;
}

std::size_t exact_bytes_of(const SidePages& side) {
  return (side.open ? side.open->size() : 0) + (side.exact_prefix ? side.exact_prefix->size() : 0);
}

}  // namespace

SideConfig::SideConfig(std::string_view codec, const CodecShape& shape, const kernels::KernelTable& kernels,
                       const CodecRegistry* registry, std::size_t window)
    : name_(codec),
      tiers_(make_tiers(codec, shape, kernels, registry)),
      exact_(shape, exact_element(codec), kernels),
      rotation_(shape.size) {
  if (window != 0) tiers_.recent_pages = std::min(tiers_.recent_pages, most_recent_pages(window));
}

bool SideConfig::reads_split_queries() const {
  return tiers_.codec->reads_split_queries() || (tiers_.recent && tiers_.recent->reads_split_queries());
}

std::size_t SideConfig::old_pages(std::size_t tokens) const {
  const std::size_t pages = tokens / kPageTokens;
  return pages - std::min(pages, tiers_.recent_pages);
}

std::size_t SideConfig::sealed_bytes(std::size_t tokens, std::size_t first_visible) const {
  const std::size_t pages = tokens / kPageTokens;
  const std::size_t dropped = std::min(first_visible / kPageTokens, pages);
  const std::size_t recent = std::min(pages - dropped, tiers_.recent_pages);
  const std::size_t recent_bytes = tiers_.recent ? recent * tiers_.recent->page_bytes() : 0;
  return recent_bytes + (pages - dropped - recent) * tiers_.codec->page_bytes();
}

Cache::Cache(KvShape shape, const std::vector<LayerCodecs>& codecs, const kernels::KernelTable& kernels,
             const CodecRegistry* registry)
    : shape_(checked(std::move(shape))),
      kernels_(&kernels),
      sides_(kSides.size() * shape_.layers()),
      pages_(kSides.size() * shape_.layers() * shape_.kv_heads) {
  std::map<std::tuple<KvSide, std::string, std::size_t>, std::shared_ptr<const SideConfig>> made;
  for (std::size_t layer = 0; layer < shape_.layers(); ++layer) {
    for (const KvSide side : kSides) {
      const bool keys = side == KvSide::kKeys;
      const std::string& name = keys ? codecs[layer].key : codecs[layer].value;
      const std::size_t window = shape_.windows[layer];
      std::shared_ptr<const SideConfig>& config = made[{side, name, window}];
      if (!config) {
        config = std::make_shared<const SideConfig>(name, CodecShape{side, keys ? shape_.key_size : shape_.value_size},
                                                    kernels, registry, window);
      }
      sides_[static_cast<std::size_t>(side) * shape_.layers() + layer] = config;
    }
  }
  reset_heads();
}

Cache::Cache(const KvShape& shape, const std::string& key_codec, const std::string& value_codec,
             const kernels::KernelTable& kernels, const CodecRegistry* registry)
    : Cache(shape, std::vector<LayerCodecs>(shape.layers(), {key_codec, value_codec}), kernels, registry) {}

bool Cache::any_keys_rotated() const {
  return std::any_of(sides_.begin(), sides_.begin() + static_cast<std::ptrdiff_t>(shape_.layers()),
                     [](const auto& config) { return config->rotation() != nullptr; });
}

bool Cache::any_keys_read_split_queries() const {
  return std::any_of(sides_.begin(), sides_.begin() + static_cast<std::ptrdiff_t>(shape_.layers()),
                     [](const auto& config) { return config->reads_split_queries(); });
}

void Cache::reset_heads() {
  key_bases_.clear();
  slots_.assign(shape_.layers() * shape_.kv_heads, {});
  promoted_.assign(shape_.layers() * shape_.kv_heads, nullptr);
  promotion_bytes_ = promotion_budget();
  if (sparse_.on()) key_ranges_.assign(shape_.layers() * shape_.kv_heads, {});
  if (any_keys_rotated()) key_bases_.assign(shape_.layers() * shape_.kv_heads, KeyBasis(shape_.key_size));
}

void Cache::enable_sparse(const SparseReading& sparse) {
  sparse_ = sparse;
  reset_heads();
}

double Cache::promotion_budget() const {
  double bytes = 0.0;
  for (std::size_t layer = 0; layer < shape_.layers(); ++layer) {
    const SideConfig& config = keys(layer);
    bytes += config.tiers().promotion_share * static_cast<double>(shape_.kv_heads * config.codec().page_bytes());
  }
  return bytes;
}

void Cache::promote(std::size_t layer, std::size_t kv_head, float noise) {
  const SideConfig& config = keys(layer);
  if (noise > kNoiseUnusable && config.recent() != nullptr) {
    promoted_[layer * shape_.kv_heads + kv_head] = config.recent();
    return;
  }
  for (const Promotion& promotion : config.tiers().promotions) {
    const std::size_t at = layer * shape_.kv_heads + kv_head;
    const std::size_t before = old_codec(KvSide::kKeys, layer, kv_head).page_bytes();
    const auto more = static_cast<double>(promotion.codec->page_bytes()) - static_cast<double>(before);
    if (noise < promotion.noise_min || more > promotion_bytes_) return;
    promoted_[at] = promotion.codec.get();
    promotion_bytes_ -= more;
  }
}

std::size_t Cache::table_bytes() const {
  std::size_t bytes = pages_.capacity() * sizeof(SidePages) + slots_.capacity() * sizeof(HeadSlots) +
                      key_bases_.capacity() * sizeof(KeyBasis) + promoted_.capacity() * sizeof(void*);
  for (const SidePages& side : pages_) bytes += side.pages.capacity() * sizeof(Page) + side.grid.capacity();
  for (const HeadSlots& head : slots_) bytes += head.slots.capacity() * sizeof(Slot);
  if (!key_bases_.empty()) bytes += key_bases_.size() * 2 * shape_.key_size * sizeof(float);
  return bytes;
}

std::size_t Cache::sealed_bytes() const {
  std::size_t bytes = 0;
  for (const SidePages& side : pages_) {
    for (const Page& page : side.pages) bytes += held_bytes(page);
  }
  return bytes;
}

std::size_t Cache::held_tokens(std::size_t layer, std::size_t kv_head) const {
  if (shape_.windows[layer] != 0) return std::min(tokens_, shape_.windows[layer]);
  return slots(layer, kv_head).held() + tokens_ % kPageTokens;
}

std::size_t Cache::exact_bytes() const {
  std::size_t bytes = 0;
  for (const SidePages& side : pages_) bytes += exact_bytes_of(side);
  return bytes;
}

std::size_t Cache::summary_bytes() const {
  std::size_t bytes = 0;
  for (const KeyRanges& ranges : key_ranges_) bytes += ranges.bytes();
  return bytes;
}

std::size_t Cache::sealed_bytes_at(std::size_t tokens) const {
  std::size_t bytes = 0;
  std::size_t old_pages_max = 0;
  for (std::size_t layer = 0; layer < shape_.layers(); ++layer) {
    const std::size_t first = first_visible(tokens, shape_.windows[layer]);
    bytes += shape_.kv_heads * (keys(layer).sealed_bytes(tokens, first) + values(layer).sealed_bytes(tokens, first));
    old_pages_max = std::max(
        old_pages_max, keys(layer).old_pages(tokens) - std::min(keys(layer).old_pages(tokens), first / kPageTokens));
  }
  return bytes + static_cast<std::size_t>(promotion_budget() * static_cast<double>(old_pages_max));
}

std::size_t Cache::exact_bytes_at(std::size_t tokens) const {
  std::size_t bytes = 0;
  for (std::size_t layer = 0; layer < shape_.layers(); ++layer) {
    const bool prefix = keeps_exact_prefix(layer) && tokens >= kPageTokens &&
                        first_visible(tokens, shape_.windows[layer]) < kExactPrefixTokens;
    const std::size_t exact = (prefix ? kExactPrefixTokens : 0) + (tokens % kPageTokens != 0 ? kPageTokens : 0);
    bytes += shape_.kv_heads * (keys(layer).exact().bytes_of(exact) + values(layer).exact().bytes_of(exact));
  }
  return bytes;
}

std::size_t Cache::summary_bytes_at(std::size_t tokens) const {
  std::size_t bytes = 0;
  for (std::size_t layer = 0; layer < shape_.layers(); ++layer) {
    if (reads_sparsely(layer)) bytes += shape_.kv_heads * KeyRanges::bytes_of(tokens / kPageTokens, shape_.key_size);
  }
  return bytes;
}

std::size_t Cache::bytes(KvSide side, std::size_t layer) const {
  std::size_t bytes = 0;
  for (std::size_t h = 0; h < shape_.kv_heads; ++h) {
    const SidePages& held = pages(side, layer, h);
    bytes += exact_bytes_of(held);
    for (const Page& page : held.pages) bytes += held_bytes(page);
    if (side == KvSide::kKeys && reads_sparsely(layer)) bytes += key_ranges(layer, h).bytes();
  }
  return bytes;
}

void Cache::clear() {
  for (SidePages& side : pages_) side = SidePages{};
  observers_.clear();
  query_sums_.clear();
  reset_heads();
  tokens_ = 0;
}

}  // namespace pith::kv
