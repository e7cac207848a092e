#include "kv/read/read_back.h"

namespace pith::kv {

std::span<const float> HeldRows::row(std::size_t cell, std::size_t token) {
  if (cell != cell_) read(cell);
  return std::span(rows_).subspan(token * config_.size(), config_.size());
}

void HeldRows::read(std::size_t cell) {
  rows_.assign(kPageTokens * config_.size(), 0.0F);
  const SidePages& pages = head_.pages(side_);
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
  config_.exact().get_rows(page, tokens, tokens, rows_.data());
  if (side_ == KvSide::kKeys || config_.rotation() == nullptr) return;
  for (std::size_t t = 0; t < tokens; ++t)
    config_.rotation()->invert(*head_.layer().kernels, &rows_[t * config_.size()]);
}

void HeldRows::read_sealed(const Page& page) {
  const Codec& codec = page.old ? head_.old_codec(side_) : *config_.recent();
  const SealedPage& bytes = page.old ? page.old : page.recent;
  codec.decode({bytes->data(), bytes->size()}, rows_);
  if (page.origins) codec.add_origins(*page.origins, rows_);
  if (config_.rotation() == nullptr) return;
  for (std::size_t t = 0; t < kPageTokens; ++t) {
    float* row = &rows_[t * config_.size()];
    config_.rotation()->invert(*head_.layer().kernels, row);
    if (side_ == KvSide::kKeys) head_.basis.restore_key(row);
  }
}

}  // namespace pith::kv
