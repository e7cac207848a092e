#include <pith/codec.h>

#include <algorithm>
#include <vector>

#include "base/fail.h"
#include "kernels/select.h"
#include "kv/codec/float_codec.h"
#include "kv/codec/tiers.h"

namespace pith::inline v0_1 {
namespace {

using kv::FloatCodec;
using kv::FloatElement;

/// Decodes a page into the layout of float32 pages, which kernels read.
std::vector<float> decoded_page(const KvCodec& codec, const FloatCodec& layout, std::span<const std::byte> page) {
  std::vector<float> rows(KvCodec::kPageTokens * codec.shape().size);
  codec.decode(page, rows);
  std::vector<float> tiles(rows.size());
  layout.encode(rows, 0, std::as_writable_bytes(std::span(tiles)));
  return tiles;
}

}  // namespace

void KvCodec::score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const {
  const FloatCodec layout({KvSide::kKeys, shape().size}, FloatElement::kF32, kernels::select_kernels());
  const std::vector<float> tiles = decoded_page(*this, layout, page);
  layout.score(queries, std::as_bytes(std::span(tiles)), scores);
}

void KvCodec::accumulate(std::span<const float> probabilities, std::span<const std::byte> page,
                         std::span<float> out) const {
  const FloatCodec layout({KvSide::kValues, shape().size}, FloatElement::kF32, kernels::select_kernels());
  const std::vector<float> tiles = decoded_page(*this, layout, page);
  layout.accumulate(probabilities, std::as_bytes(std::span(tiles)), out);
}

void CodecRegistry::add(std::string name, CodecFactory make) {
  const std::vector<std::string> built_in = builtin_codecs();
  const bool taken = factories_.contains(name) || std::find(built_in.begin(), built_in.end(), name) != built_in.end();
  if (name.empty() || taken || name.find_first_of("/, ") != std::string::npos) {
    fail(ErrorKind::kInvalidArgument, "KV codec name \"{}\" is {}", name,
         name.empty() ? "empty"
         : taken      ? "taken"
                      : "not allowed: it has a slash, a comma or a space");
  }
  if (!make) fail(ErrorKind::kInvalidArgument, "KV codec \"{}\" has no factory", name);
  factories_.emplace(std::move(name), std::move(make));
}

const CodecFactory* CodecRegistry::find(std::string_view name) const {
  const auto at = factories_.find(name);
  return at == factories_.end() ? nullptr : &at->second;
}

std::vector<std::string> CodecRegistry::names() const {
  std::vector<std::string> names;
  names.reserve(factories_.size());
  for (const auto& [name, make] : factories_) names.push_back(name);
  return names;
}

std::unique_ptr<const KvCodec> make_codec(std::string_view name, const CodecShape& shape,
                                          const CodecRegistry* registry) {
  return std::move(kv::make_tiers(name, shape, kernels::select_kernels(), registry).codec);
}

}  // namespace pith::inline v0_1
