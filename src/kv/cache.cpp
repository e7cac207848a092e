#include "kv/cache.h"

#include <algorithm>
#include <utility>

#include "base/fail.h"

namespace pith::kv {
namespace {

/// Open pages and sinks are as exact as the codec asks for: f32 for f32, f16 otherwise.
FloatElement exact_element(std::string_view codec) {
  return codec.starts_with("f32") ? FloatElement::kF32 : FloatElement::kF16;
}

KvShape checked(KvShape shape) {
  if (shape.kv_heads == 0 || shape.heads % shape.kv_heads != 0) {
    fail(ErrorKind::kInvalidArgument, "{} query heads do not divide into {} KV heads", shape.heads, shape.kv_heads);
  }
  return shape;
}

std::size_t held_bytes(const Page& page) {
  return (page.recent ? page.recent->size() : 0) + (page.old ? page.old->size() : 0);
}

}  // namespace

Side::Side(std::string_view codec, const CodecShape& shape, const kernels::KernelTable& kernels,
           const CodecRegistry* registry)
    : name_(codec),
      tiers_(make_tiers(codec, shape, kernels, registry)),
      exact_(shape, exact_element(codec), kernels),
      rotation_(shape.size) {}

bool Side::reads_split_queries() const {
  return tiers_.codec->reads_split_queries() || (tiers_.recent && tiers_.recent->reads_split_queries());
}

std::size_t Side::sealed_bytes(std::size_t tokens, std::size_t first_visible) const {
  const std::size_t pages = tokens / kPageTokens;
  const std::size_t dropped = std::min(first_visible / kPageTokens, pages);
  const std::size_t recent = std::min(pages - dropped, tiers_.recent_pages);
  const std::size_t recent_bytes = tiers_.recent ? recent * tiers_.recent->page_bytes() : 0;
  return recent_bytes + (pages - dropped - recent) * tiers_.codec->page_bytes();
}

Cache::Cache(KvShape shape, std::string_view key_codec, std::string_view value_codec,
             const kernels::KernelTable& kernels, const CodecRegistry* registry)
    : shape_(checked(std::move(shape))),
      kernels_(&kernels),
      keys_(key_codec, {KvSide::kKeys, shape_.key_size}, kernels, registry),
      values_(value_codec, {KvSide::kValues, shape_.value_size}, kernels, registry),
      pages_(kSides.size() * shape_.layers() * shape_.kv_heads) {
  reset_bases();
}

void Cache::reset_bases() {
  key_bases_.clear();
  if (keys_.rotation() != nullptr) key_bases_.assign(shape_.layers() * shape_.kv_heads, KeyBasis(shape_.key_size));
}

std::size_t Cache::sealed_bytes() const {
  std::size_t bytes = 0;
  for (const SidePages& side : pages_) {
    for (const Page& page : side.pages) bytes += held_bytes(page);
  }
  return bytes;
}

std::size_t Cache::exact_bytes() const {
  std::size_t bytes = 0;
  for (const SidePages& side : pages_) bytes += side.open.size() + side.sinks.size();
  return bytes;
}

std::size_t Cache::sealed_bytes_at(std::size_t tokens) const {
  std::size_t bytes = 0;
  for (const std::size_t window : shape_.windows) {
    const std::size_t first = first_visible(tokens, window);
    bytes += shape_.kv_heads * (keys_.sealed_bytes(tokens, first) + values_.sealed_bytes(tokens, first));
  }
  return bytes;
}

std::size_t Cache::exact_bytes_at(std::size_t tokens) const {
  std::size_t bytes = 0;
  for (const std::size_t window : shape_.windows) {
    const bool sinks = keeps_sinks() && tokens >= kPageTokens && first_visible(tokens, window) < kSinkTokens;
    const std::size_t exact = (sinks ? kSinkTokens : 0) + (tokens % kPageTokens != 0 ? kPageTokens : 0);
    bytes += shape_.kv_heads * (keys_.exact().bytes_of(exact) + values_.exact().bytes_of(exact));
  }
  return bytes;
}

void Cache::clear() {
  for (SidePages& side : pages_) side = SidePages{};
  reset_bases();
  tokens_ = 0;
}

}  // namespace pith::kv
