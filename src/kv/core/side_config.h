#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "kv/codec/tiers.h"
#include "kv/core/hadamard.h"

namespace pith::kv {

/// How the keys or the values of one layer are stored.
class SideConfig {
 public:
  /// Layers with a sliding window (0: none) keep fewer recent pages than the codec's tiers say.
  SideConfig(std::string_view codec, const CodecShape& shape, const kernels::KernelTable& kernels,
             const CodecRegistry* registry, std::size_t window);

  const std::string& name() const { return name_; }
  std::size_t size() const { return tiers_.codec->shape().size; }
  /// The format of open pages and of the exact prefix.
  const FloatCodec& exact() const { return *tiers_.exact; }
  const Codec& codec() const { return *tiers_.codec; }
  /// Returns null if there are no recent pages.
  const Codec* recent() const { return tiers_.recent.get(); }
  std::size_t recent_pages() const { return tiers_.recent_pages; }
  /// Returns null if the codec does not want rotation.
  const HadamardRotation* rotation() const { return tiers_.codec->wants_rotation() ? &rotation_ : nullptr; }
  const Tiers& tiers() const { return tiers_; }
  bool lossy() const { return !tiers_.codec->exact(); }
  bool reads_split_queries() const;
  /// Returns how many pages are old to the next query when `tokens` tokens have been appended.
  std::size_t old_pages(std::size_t tokens) const;
  /// Returns the bytes of the sealed pages of one KV head after `tokens` tokens, without those before `first_visible`.
  std::size_t sealed_bytes(std::size_t tokens, std::size_t first_visible) const;

 private:
  std::string name_;
  Tiers tiers_;
  HadamardRotation rotation_;
};

}  // namespace pith::kv
