#include "kv/core/side_config.h"

#include <algorithm>

#include "kv/layout/layout.h"

namespace pith::kv {
SideConfig::SideConfig(std::string_view codec, const CodecShape& shape, const kernels::KernelTable& kernels,
                       const CodecRegistry* registry, std::size_t window)
    : name_(codec), tiers_(make_tiers(codec, shape, kernels, registry, window)), rotation_(shape.size) {}

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

}  // namespace pith::kv
