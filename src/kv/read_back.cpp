#include "kv/read_back.h"

namespace pith::kv {

std::span<const float> HeldRows::row(std::size_t cell, std::size_t token) {
  if (cell != cell_) read(cell);
  const std::size_t size = cache_.side(side_, layer_).size();
  return std::span(rows_).subspan(token * size, size);
}

void HeldRows::read(std::size_t cell) {
  rows_.assign(kPageTokens * cache_.side(side_, layer_).size(), 0.0F);
  const SidePages& pages = cache_.pages(side_, layer_, kv_head_);
  if (cell == kPrefixCell) {
    read_exact(pages.exact_prefix->data(), kExactPrefixTokens);
  } else if (slot_of_cell(cell) >= pages.pages.size()) {
    read_exact(pages.open->data(), kPageTokens);
  } else {
    read_sealed(pages.pages[slot_of_cell(cell)]);
  }
  cell_ = cell;
}

void HeldRows::read_exact(const std::byte* page, std::size_t tokens) {
  const SideConfig& config = cache_.side(side_, layer_);
  config.exact().get_rows(page, tokens, tokens, rows_.data());
  if (side_ == KvSide::kKeys || config.rotation() == nullptr) return;
  for (std::size_t t = 0; t < tokens; ++t) config.rotation()->invert(cache_.kernels(), &rows_[t * config.size()]);
}

void HeldRows::read_sealed(const Page& page) {
  const SideConfig& config = cache_.side(side_, layer_);
  const Codec& codec = page.old ? cache_.old_codec(side_, layer_, kv_head_) : *config.recent();
  const SealedPage& bytes = page.old ? page.old : page.recent;
  codec.decode({bytes->data(), bytes->size()}, rows_);
  if (page.origins) codec.add_origins(*page.origins, rows_);
  if (config.rotation() == nullptr) return;
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    float* row = &rows_[t * config.size()];
    config.rotation()->invert(cache_.kernels(), row);
    if (side_ == KvSide::kKeys) cache_.key_basis(layer_, kv_head_).restore_key(row);
  }
}

}  // namespace pith::kv
