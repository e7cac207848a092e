#include "kv/core/key_ranges.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "kv/codec/stored_half.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

constexpr std::uint16_t kSign = 0x8000;
constexpr std::uint16_t kLargestHalf = 0x7BFF;

/// Returns the least f16 that is not below x. Numbers beyond the range of f16 saturate, as they do in exact pages.
std::uint16_t round_up(float x) {
  const std::uint16_t half = to_stored_half(static_cast<double>(x));
  if (!(f16_to_f32(half) < x) || half == kLargestHalf) return half;
  if ((half & kSign) == 0) return static_cast<std::uint16_t>(half + 1);
  return half == kSign ? 1 : static_cast<std::uint16_t>(half - 1);
}

std::uint16_t round_down(float x) { return round_up(-x) ^ kSign; }

/// Unlike std::max(), NaN wins, so that its page is not passed over.
float larger(float a, float b) { return std::isnan(a) || a > b ? a : b; }

}  // namespace

std::uint16_t* KeyRanges::own(std::size_t tile) {
  const std::size_t bytes = tile_bytes(size_);
  while (tiles_.size() <= tile) {
    tiles_.push_back(std::make_shared<RawBuffer>(bytes));
    std::memset(tiles_.back()->data(), 0, bytes);
  }
  if (tiles_[tile].use_count() > 1) {
    auto copy = std::make_shared<RawBuffer>(bytes);
    std::memcpy(copy->data(), tiles_[tile]->data(), bytes);
    tiles_[tile] = std::move(copy);
  }
  return reinterpret_cast<std::uint16_t*>(tiles_[tile]->data());
}

void KeyRanges::set(std::size_t slot, std::size_t size, std::span<const float> keys) {
  size_ = size;
  std::uint16_t* tile = own(slot / kLanes) + slot % kLanes;
  for (std::size_t i = 0; i < size; ++i) {
    float largest = keys.empty() ? 0.0F : keys[i];
    float negated = -largest;
    for (std::size_t at = i; at < keys.size(); at += size) {
      largest = larger(keys[at], largest);
      negated = larger(-keys[at], negated);
    }
    tile[i * kLanes] = round_up(largest);
    tile[(size + i) * kLanes] = round_down(-negated);
  }
}

void KeyRanges::copy(std::size_t slot, const KeyRanges& other, std::size_t from) {
  size_ = other.size_;
  std::uint16_t* to = own(slot / kLanes) + slot % kLanes;
  const auto* source = reinterpret_cast<const std::uint16_t*>(other.tiles_[from / kLanes]->data()) + from % kLanes;
  for (std::size_t i = 0; i < 2 * size_; ++i) to[i * kLanes] = source[i * kLanes];
}

void KeyRanges::keep(std::size_t count) { tiles_.resize(std::min(tiles_.size(), (count + kLanes - 1) / kLanes)); }

void KeyRanges::split_queries(const float* queries, std::size_t rows, std::size_t size, float reach, float* out) {
  const float near = (1.0F + reach) / 2.0F;
  const float far = (1.0F - reach) / 2.0F;
  for (std::size_t r = 0; r < rows; ++r, queries += size, out += 2 * size) {
    for (std::size_t i = 0; i < size; ++i) {
      const float up = std::max(queries[i], 0.0F);
      const float down = std::min(queries[i], 0.0F);
      out[i] = near * up + far * down;
      out[size + i] = far * up + near * down;
    }
  }
}

void KeyRanges::reach(const kernels::KernelTable& kernels, const float* split, std::size_t rows, float* scores,
                      std::size_t stride) const {
  for (std::size_t tile = 0; tile < tiles_.size(); ++tile) {
    kernels.dot_f16({tiles_[tile]->data(), 1, tile_bytes(size_)}, {split, 2 * size_, rows, 2 * size_},
                    scores + tile * kLanes, stride, false);
  }
}

}  // namespace pith::kv
