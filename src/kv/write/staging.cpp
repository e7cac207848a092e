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

Staging::Staging(const Cache& cache, std::size_t tokens_max) : pages_max_(tokens_max / kPageTokens + 2) {
  std::size_t kv_heads = 0;
  for (const Layer& layer : cache.layers()) {
    kv_heads = std::max(kv_heads, layer.shape().kv_heads);
    row_size_ = std::max(row_size_, layer.shape().value_size);
    for (const KvSide side : kSides) {
      Memory& memory = this->memory(side);
      memory.page_bytes = std::max(memory.page_bytes, layer.side(side).exact().page_bytes());
    }
  }
  rows_.resize(kv_heads * pages_max_ * row_size_);
  for (Memory& memory : memory_) memory.pages = RawBuffer(pages_max_ * memory.page_bytes * kv_heads);
}

std::size_t Staging::bytes() const {
  std::size_t bytes = rows_.size() * sizeof(float);
  for (const Memory& memory : memory_) bytes += memory.pages.size();
  return bytes;
}

void Staging::begin(std::size_t first_page) {
  first_page_ = first_page;
  in_place_ = false;
}

void Staging::begin_in_place(Layer& layer, std::size_t first_page) {
  first_page_ = first_page;
  in_place_ = true;
  for (const KvSide side : kSides) {
    std::vector<std::byte*>& pages = memory(side).in_place;
    pages.clear();
    for (Head& head : layer.heads()) pages.push_back(own_open(head, side).data());
  }
}

std::byte* Staging::page(KvSide side, std::size_t kv_head, std::size_t page) const {
  const Memory& memory = memory_[static_cast<std::size_t>(side)];
  if (in_place_) return memory.in_place[kv_head];
  return memory.pages.data() + (kv_head * pages_max_ + page - first_page_) * memory.page_bytes;
}

float* Staging::row(std::size_t kv_head, std::size_t page) {
  return &rows_[(kv_head * pages_max_ + page - first_page_) * row_size_];
}

}  // namespace pith::kv
