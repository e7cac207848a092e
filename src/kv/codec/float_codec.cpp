#include "kv/codec/float_codec.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/half.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

constexpr float kHalfMax = 65504.0F;

std::size_t key_index(std::size_t size, std::size_t token, std::size_t i) {
  return (token / kLanes * size + i) * kLanes + token % kLanes;
}

std::size_t value_index(std::size_t tokens, std::size_t token, std::size_t i) {
  return (i / kLanes * tokens + token) * kLanes + i % kLanes;
}

/// An f16 that saturates: one huge key must not turn a whole page infinite. NaN stays NaN.
std::uint16_t to_half(float x) { return f32_to_f16(x > kHalfMax ? kHalfMax : x < -kHalfMax ? -kHalfMax : x); }

}  // namespace

std::string_view FloatCodec::name() const {
  switch (element_) {
    case FloatElement::kF32:
      return "f32";
    case FloatElement::kF16:
      return "f16";
    case FloatElement::kBF16:
      break;
  }
  return "bf16";
}

kernels::FloatDotKernel FloatCodec::dot() const {
  switch (element_) {
    case FloatElement::kF32:
      return kernels_->dot_f32;
    case FloatElement::kF16:
      return kernels_->dot_f16;
    case FloatElement::kBF16:
      break;
  }
  return kernels_->dot_bf16;
}

void FloatCodec::put(float value, std::size_t index, std::byte* page) const {
  if (element_ == FloatElement::kF32) {
    std::memcpy(page + 4 * index, &value, 4);
    return;
  }
  const std::uint16_t half = element_ == FloatElement::kF16 ? to_half(value) : f32_to_bf16(value);
  std::memcpy(page + 2 * index, &half, 2);
}

float FloatCodec::get(const std::byte* page, std::size_t index) const {
  if (element_ == FloatElement::kF32) {
    float value = 0;
    std::memcpy(&value, page + 4 * index, 4);
    return value;
  }
  std::uint16_t half = 0;
  std::memcpy(&half, page + 2 * index, 2);
  return element_ == FloatElement::kF16 ? f16_to_f32(half) : bf16_to_f32(half);
}

void FloatCodec::put_key(const float* row, std::size_t size, std::size_t token, std::byte* page) const {
  for (std::size_t i = 0; i < size; ++i) put(row[i], key_index(size, token, i), page);
}

void FloatCodec::put_value(const float* row, std::size_t size, std::size_t tokens, std::size_t token,
                           std::byte* page) const {
  for (std::size_t i = 0; i < size; ++i) put(row[i], value_index(tokens, token, i), page);
}

void FloatCodec::get_keys(const std::byte* page, std::size_t size, std::size_t count, float* rows) const {
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t i = 0; i < size; ++i) rows[t * size + i] = get(page, key_index(size, t, i));
  }
}

void FloatCodec::get_values(const std::byte* page, std::size_t size, std::size_t tokens, std::size_t count,
                            float* rows) const {
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t i = 0; i < size; ++i) rows[t * size + i] = get(page, value_index(tokens, t, i));
  }
}

void FloatCodec::seal_keys(const float* rows, std::size_t size, std::size_t, std::byte* page) const {
  for (std::size_t t = 0; t < kPageTokens; ++t) put_key(rows + t * size, size, t, page);
}

void FloatCodec::seal_values(const float* rows, std::size_t size, std::size_t, std::byte* page) const {
  for (std::size_t t = 0; t < kPageTokens; ++t) put_value(rows + t * size, size, kPageTokens, t, page);
}

void FloatCodec::score(const Queries& queries, const std::byte* page, std::size_t tokens, float* scores) const {
  kernels::TileOutput to;
  to.out = scores;
  to.stride = kPageTokens;
  dot()(page, tokens / kLanes, queries.size * kLanes * element_bytes(), queries.values, queries.size, queries.rows,
        queries.size, to);
}

void FloatCodec::accumulate(const float* probabilities, std::size_t rows, const std::byte* page, std::size_t tokens,
                            std::size_t size, float* out) const {
  kernels::TileOutput to;
  to.out = out;
  to.stride = size;
  to.accumulate = true;
  dot()(page, size / kLanes, tokens * kLanes * element_bytes(), probabilities, kPageTokens, rows, tokens, to);
}

}  // namespace pith::kv
