#include "kv/codec/float_codec.h"

#include <cstring>

#include "base/half.h"
#include "kv/codec/stored_half.h"

namespace pith::kv {
namespace {

using kernels::kLanes;

}  // namespace

std::size_t FloatCodec::index(std::size_t tokens, std::size_t token, std::size_t i) const {
  if (shape().side == KvSide::kKeys) return (token / kLanes * shape().size + i) * kLanes + token % kLanes;
  return (i / kLanes * tokens + token) * kLanes + i % kLanes;
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
  const std::uint16_t half = element_ == FloatElement::kF16 ? to_stored_half(value) : f32_to_bf16(value);
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

void FloatCodec::put_row(const float* row, std::size_t tokens, std::size_t token, std::byte* page) const {
  for (std::size_t i = 0; i < shape().size; ++i) put(row[i], index(tokens, token, i), page);
}

void FloatCodec::get_rows(const std::byte* page, std::size_t tokens, std::size_t count, float* rows) const {
  const std::size_t size = shape().size;
  for (std::size_t t = 0; t < count; ++t) {
    for (std::size_t i = 0; i < size; ++i) rows[t * size + i] = get(page, index(tokens, t, i));
  }
}

void FloatCodec::encode(std::span<const float> rows, std::size_t, std::span<std::byte> page) const {
  for (std::size_t t = 0; t < kPageTokens; ++t) put_row(&rows[t * shape().size], kPageTokens, t, page.data());
}

void FloatCodec::decode(std::span<const std::byte> page, std::span<float> rows) const {
  get_rows(page.data(), kPageTokens, kPageTokens, rows.data());
}

void FloatCodec::score(std::span<const float> queries, std::span<const std::byte> page, std::span<float> scores) const {
  score_tokens(queries.data(), queries.size() / shape().size, {page.data(), kPageTokens, kPageTokens}, scores.data());
}

void FloatCodec::accumulate(std::span<const float> probabilities, std::span<const std::byte> page,
                            std::span<float> out) const {
  accumulate_tokens(probabilities.data(), probabilities.size() / kPageTokens, {page.data(), kPageTokens, kPageTokens},
                    out.data());
}

void FloatCodec::score_tokens(const float* queries, std::size_t rows, const Tokens& keys, float* scores) const {
  const std::size_t size = shape().size;
  dot()({keys.page, keys.count / kLanes, size * kLanes * element_bytes()}, {queries, size, rows, size}, scores,
        kPageTokens, false);
}

void FloatCodec::accumulate_tokens(const float* probabilities, std::size_t rows, const Tokens& values,
                                   float* out) const {
  const std::size_t size = shape().size;
  dot()({values.page, size / kLanes, values.tokens * kLanes * element_bytes()},
        {probabilities, kPageTokens, rows, values.count}, out, size, true);
}

void FloatCodec::absorb_tokens(const kernels::SoftmaxStep& step, const Tokens& values) const {
  kernels_->softmax_rows(step);
  accumulate_tokens(step.scores, step.rows, values, step.out);
}

void FloatCodec::copy_token(const std::byte* source, std::size_t from, std::byte* target, std::size_t to) const {
  for (std::size_t i = 0; i < shape().size; ++i) {
    std::memcpy(target + index(kPageTokens, to, i) * element_bytes(),
                source + index(kPageTokens, from, i) * element_bytes(), element_bytes());
  }
}

}  // namespace pith::kv
