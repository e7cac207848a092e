#include "kv/write/staging.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace pith::kv {

RawBuffer& own_open(Head& head, KvSide side) {
  std::shared_ptr<RawBuffer>& open = head.pages(side).open;
  const std::size_t bytes = head.layer().side(side).exact().page_bytes();
  if (!open) {
    open = std::make_shared<RawBuffer>(bytes);
  } else if (open.use_count() > 1) {
    auto copy = std::make_shared<RawBuffer>(bytes);
    std::memcpy(copy->data(), open->data(), bytes);
    open = std::move(copy);
  }
  return *open;
}

std::size_t StagedPages::place_of(std::size_t kv_head, std::size_t page) const {
  return (first_place_ + page - first_page_) * staging_->kv_heads_ + kv_head;
}

std::byte* StagedPages::page(KvSide side, std::size_t kv_head, std::size_t page) const {
  if (in_place_) return open_[static_cast<std::size_t>(side)][kv_head];
  const Staging::Memory& memory = staging_->memory(side);
  return memory.pages.data() + place_of(kv_head, page) * memory.page_bytes;
}

float* StagedPages::row(std::size_t kv_head, std::size_t page) const {
  return &staging_->rows_[place_of(kv_head, page) * staging_->row_size_];
}

Staging::Staging(const ScratchLayout& layout, std::size_t tokens_max)
    : kv_heads_(layout.kv_heads), row_size_(layout.value_size) {
  memory(KvSide::kKeys).page_bytes = layout.key_page_bytes;
  memory(KvSide::kValues).page_bytes = layout.value_page_bytes;
  reserve(tokens_max / kPageTokens + 2);
}

void Staging::reserve(std::size_t pages) {
  if (pages <= pages_max_) return;
  rows_ = Buffer<float>(pages * kv_heads_ * row_size_);
  for (Memory& memory : memory_) memory.pages = RawBuffer(pages * kv_heads_ * memory.page_bytes);
  pages_max_ = pages;
}

std::size_t Staging::bytes() const {
  std::size_t bytes = rows_.size() * sizeof(float);
  for (const Memory& memory : memory_) bytes += memory.pages.size();
  return bytes;
}

void Staging::begin(std::span<const Step> steps, std::size_t layer) {
  parts_.resize(steps.size());
  pages_ = 0;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const Step& step = steps[s];
    StagedPages& part = parts_[s];
    part.staging_ = this;
    part.first_page_ = step.position / kPageTokens;
    part.pages_ = (step.end() + kPageTokens - 1) / kPageTokens - part.first_page_;
    part.first_place_ = pages_;
    part.in_place_ = step.tokens == 1 && step.end() % kPageTokens != 0;
    pages_ += part.pages_;
    if (!part.in_place_) continue;
    for (const KvSide side : kSides) {
      std::vector<std::byte*>& open = part.open_[static_cast<std::size_t>(side)];
      open.clear();
      for (Head& head : step.cache->layer(layer).heads()) open.push_back(own_open(head, side).data());
    }
  }
  reserve(pages_);
}

std::size_t Staging::step_of(std::size_t n) const {
  const auto after = std::upper_bound(parts_.begin(), parts_.end(), n, [](std::size_t place, const StagedPages& part) {
    return place < part.first_place_;
  });
  return static_cast<std::size_t>(after - parts_.begin()) - 1;
}

}  // namespace pith::kv
